import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Synchronization
import Testing

@testable import Sandbox

/// A server that accepts webhooks, answering with the given statuses and 200 from then on.
final class WebhookReceiver: Sendable {
    struct Received: Sendable {
        let body: String
        let signature: String
        let json: JSON
    }

    struct DeadlinePassed: Error {}

    let url: String
    private let received: AsyncStream<Received>

    private init(url: String, received: AsyncStream<Received>) {
        self.url = url
        self.received = received
    }

    static func run(answering statuses: [Int] = [], _ body: @Sendable (WebhookReceiver) async throws -> Void) async throws {
        let remaining = Mutex(statuses)
        let (received, incoming) = AsyncStream.makeStream(of: Received.self)
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let router = Router()
        router.post("webhooks") { request, _ in
            let text = String(buffer: try await request.body.collect(upTo: 1 << 20))
            let signature = HTTPField.Name(WebhookSignature.header).flatMap { request.headers[$0] } ?? ""
            incoming.yield(Received(body: text, signature: signature, json: (try? JSON(parsing: text)) ?? .null))
            let status = remaining.withLock { $0.isEmpty ? 200 : $0.removeFirst() }
            return HTTPResponse.Status(code: status)
        }
        let application = Application(
            router: router, configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { port.yield($0.localAddress?.port ?? 0) }, logger: logger)
        try await TestSandbox.run(application, logger: logger, onEnd: { port.finish() }) {
            guard let port = await ports.first(where: { _ in true }) else { return }
            try await body(WebhookReceiver(url: "http://127.0.0.1:\(port)/webhooks", received: received))
        }
    }

    /// The next `count` webhooks. Throws ``DeadlinePassed`` when they take longer than `deadline`.
    func next(_ count: Int, within deadline: Duration = .seconds(10)) async throws -> [Received] {
        try await withThrowingTaskGroup { group in
            group.addTask { [received] in await received.prefix(count).reduce(into: []) { $0.append($1) } }
            group.addTask {
                try await Task.sleep(for: deadline)
                throw DeadlinePassed()
            }
            defer { group.cancelAll() }
            return try await group.next() ?? []
        }
    }
}
