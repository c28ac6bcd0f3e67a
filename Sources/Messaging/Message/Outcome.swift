import AMQP
import Contracts
import FoundationEssentials
import JSON

/// The answer to a request, as it will leave over HTTP.
public struct Reply: Sendable, Equatable {
    public var status: Int
    /// Lower-case HTTP header names.
    public var headers: [String: String]
    /// Empty for 204; JSON otherwise.
    public var body: [UInt8]
    /// Whether the inbox has answered in place of the handler.
    public var isReplayed = false
    /// Contains a secret: it goes to the requester and is stored nowhere, so a retry is handled anew.
    public var isPrivate = false
    /// Until when a second reply follows, about the work that this one accepts. It belongs to one delivery of the request, and is not stored with the reply.
    public var settlesUntil: Date?
    /// Under which the second reply arrives at its requester.
    var correlationID: String?
    /// The request could not be read, and so was not handled: the inbox does not record it, and the corrected request may arrive under the same id.
    var isUnread = false

    public init(status: Int, headers: [String: String] = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    public init(status: Int = 200, headers: [String: String] = [:], json value: some Encodable) throws {
        self.init(status: status, headers: headers, body: try JSON.encode(value))
    }

    public init(_ problem: Problem, headers: [String: String] = [:]) {
        // Encoding a Problem cannot fail: it holds strings and integers. Should it ever, the status still says what happened.
        let body = (try? JSON.encode(problem)) ?? []
        self.init(status: problem.status, headers: headers, body: body)
        self.headers["content-type"] = "application/problem+json"
        if status == 503 || status == 429, self.headers["retry-after"] == nil {
            self.headers["retry-after"] = "1"
        }
    }

    public static let noContent = Reply(status: 204)

    /// The header of a part of an answer that is too large for one message: the parameter `after` with which the same request gets the next part. It leaves no
    /// ingress.
    public static let nextPage = "x-wharf-next"

    /// Whether a retry of the same request must get this same answer: it had an effect, or it is a lasting no.
    var isLasting: Bool {
        !isPrivate && !isUnread && ((200..<300).contains(status) || [409, 412, 422].contains(status))
    }
}

/// A message that a handler sends on. It leaves after the commit that it belongs to, as often as needed
/// to be sure that it arrived, always under the same id.
public struct Emission: Sendable, Equatable {
    public enum Destination: Sendable, Equatable {
        /// To the one service that handles this operation.
        case request(String)
        /// To all subscribers.
        case event(String)
        /// As `event`, but having no subscriber is not an error.
        case broadcast(String)
        /// To a requester who has been waiting since an earlier message; a requester that is gone is not an error.
        case answer(Requester, status: Int)
        /// A message that was set aside, to the queue that it came from.
        case replay(FailedMessage, queue: String)
    }

    public let destination: Destination
    public let body: [UInt8]
    /// The receiver answers the requester of the message being handled, in place of this handler.
    public let forwardsRequester: Bool
    public let caller: Caller?
    /// The source of the id of a poller's message, so that the same work found twice counts once; random where it is nil. The ids of a
    /// handler's messages are derived from its inbox row.
    public let origin: UUID?
    /// The order that the message is about, for logs.
    let subject: Subject?

    public init(
        _ destination: Destination, _ value: some Encodable, forwardsRequester: Bool = false, caller: Caller? = nil, origin: UUID? = nil
    ) throws {
        self.origin = origin
        self.destination = destination
        self.body = try JSON.encode(value)
        self.subject = (value as? any OrderMessage)?.subject
        self.forwardsRequester = forwardsRequester
        self.caller = caller
    }
}

extension Emission {
    public init(replaying message: FailedMessage, to queue: String) {
        destination = .replay(message, queue: queue)
        body = message.body
        forwardsRequester = false
        caller = nil
        origin = nil
        subject = Subject(message.headers)
    }
}

/// A message that was set aside, in the form in which it is retried: with its own id, so that it counts once however often it is replayed, and without
/// its failure history, its deadline and its requester.
public struct FailedMessage: Sendable, Equatable {
    /// Nil, as is `operation`, for a message that never was one of Wharf's.
    public let messageID: String?
    public let operation: String?
    /// As received, so that a bundle stays a bundle; nil means JSON.
    public let contentType: String?
    /// The text headers that it arrived with, without those of the failure history.
    public let headers: [String: String]
    public let body: [UInt8]

    /// The body of a message that held credentials, which are never stored: such a message can be inspected but not replayed.
    public static let redactedBody = Array(#"{"redacted":"held credentials"}"#.utf8)

    public init(messageID: String?, operation: String?, contentType: String? = nil, headers: [String: String], body: [UInt8]) {
        self.messageID = messageID
        self.operation = operation
        self.contentType = contentType
        self.headers = headers.filter { !HeaderName.ofFailures.contains($0.key) && !$0.key.hasPrefix("x-") }
        self.body = body
    }

    func publication(to queue: String) -> Publication {
        var properties = Properties()
        properties.messageID = messageID
        properties.type = operation
        properties.contentType = contentType ?? "application/json"
        properties.persistent = true
        properties.headers = headers.mapValues { .string($0) }
        return Publication(exchange: Exchange.queues, routingKey: queue, properties: properties, body: body)
    }
}

/// The result of handling one message of a batch.
public enum Outcome: Sendable {
    /// `reply` is nil where there is no requester, or where the receiver of a forwarding emission answers. `note` is for the log, where the outgoing messages
    /// do not say what was done; it contains no secret and no personal data.
    case done(Reply? = nil, emit: [Emission] = [], note: String? = nil)
    /// The message has changed nothing and leads to nothing: the inbox does not remember it, and a copy is looked at anew.
    case ignored(note: String? = nil)
    case failed(Failure)

    public static func refused(_ problem: Problem) -> Outcome { .done(Reply(problem)) }
}
