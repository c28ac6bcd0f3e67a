import FoundationEssentials
import Logging
import Secrets
import ServiceLifecycle
import Synchronization
import WebClient

/// Posts the states of text messages, and replies to them, to the address that came with each message, signed as Twilio signs. As at Twilio a state is posted once: one that
/// does not arrive is lost.
final class StatusCallbacks: Service {
    /// Callbacks that wait; further ones are lost.
    static let maximumQueued = 1_000
    static let timeout = Duration.seconds(10)
    /// The last digits of numbers at which no message arrives.
    static let unreachable = "5550404"

    private struct Post: Sendable {
        let url: String
        let fields: [(name: String, value: String)]
    }

    private let posts: AsyncStream<Post>
    private let queue: AsyncStream<Post>.Continuation
    /// The newest message's address without its query: where replies are posted.
    private let address = Mutex<String?>(nil)
    private let token: String
    private let transport: any HTTPTransport
    private let logger: Logger

    init(token: String, transport: any HTTPTransport, logger: Logger) {
        (self.token, self.transport, self.logger) = (token, transport, logger)
        (posts, queue) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.maximumQueued))
    }

    /// Queues the states of a message that was accepted.
    func follow(_ message: RecordedMessage, to url: String) {
        address.withLock { $0 = String(url.prefix { $0 != "?" }) }
        let fails = message.to.hasSuffix(Self.unreachable)
        for state in ["sent", fails ? "undelivered" : "delivered"] {
            var fields = [("MessageSid", message.id), ("MessageStatus", state), ("From", message.from), ("To", message.to)]
            if state == "undelivered" { fields.append(("ErrorCode", "30003")) }
            queue.yield(Post(url: url, fields: fields.map { (name: $0.0, value: $0.1) }))
        }
    }

    /// Queues a message from a customer; returns false if no address is known yet.
    func reply(_ text: String, from number: String) -> Bool {
        guard let url = address.withLock({ $0 }) else { return false }
        queue.yield(Post(url: url, fields: [("SmsStatus", "received"), ("From", number), ("Body", text)].map { (name: $0.0, value: $0.1) }))
        return true
    }

    /// Posts one after another, so that a message's states arrive in order.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await post in self.posts { await self.send(post) }
        }
    }

    private func send(_ post: Post) async {
        let text = post.fields.sorted { $0.name < $1.name }.reduce(post.url) { $0 + $1.name + $1.value }
        let signature = Base64.encode(HMACSHA1.authenticate(Array(text.utf8), key: Array(token.utf8)))
        let request = WebRequest(
            method: "POST", url: post.url, headers: [("Content-Type", "application/x-www-form-urlencoded"), ("X-Twilio-Signature", signature)],
            body: PercentEncoding.form(post.fields.map { ($0.name, $0.value) }), timeout: Self.timeout)
        do {
            let response = try await transport.send(request)
            if !(200..<300).contains(response.status) { logger.info("status callback refused", metadata: ["http.status": "\(response.status)"]) }
        } catch {
            logger.info("status callback not delivered", metadata: ["error": "\(error)"])
        }
    }
}
