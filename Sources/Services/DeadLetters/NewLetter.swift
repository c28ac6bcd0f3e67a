import AMQP
import Contracts
import FoundationEssentials
import JSON
import Logging
import Messaging
import Secrets

/// A dead message as it is stored, made from whatever the broker delivers: nothing in a delivery can make this fail.
struct NewLetter: Sendable {
    /// The most of a body that is kept: what RabbitMQ 4 allows for a whole message. A longer one is cut, and can only be looked at.
    static let maximumBody = 16 << 20
    /// What AMQP allows in a short string.
    static let maximumName = 255
    static let maximumHistory = FailedAttempt.maximumKept

    let id: UUID
    /// Tells this death of the message from its other ones; the same when it is merely delivered again.
    let occurrence: [UInt8]
    var messageID: String?
    var operation: String?
    var queue: String
    var cause: String
    var detail: String
    var attempts: Int
    var history: [FailedAttempt]
    var properties: [String: JSONValue]
    var headers: [String: JSONValue]
    let original: [UInt8]
    let body: [UInt8]
    let bodyBytes: Int
    /// The order that it is about.
    let subject: Subject?

    init(_ delivery: Delivery) {
        let properties = delivery.properties
        let death = Death(delivery)
        // Encoding texts cannot fail. Should it ever, the body at least is kept.
        original = (try? JSON.encode(Original(properties))) ?? []
        body = Array(delivery.body.prefix(Self.maximumBody))
        bodyBytes = delivery.body.count
        subject = Subject(properties.headers)
        occurrence = Self.occurrence(of: delivery)
        id = Self.id(of: delivery, queue: death.queue, occurrence: occurrence)
        messageID = properties.messageID.map(Self.name)
        operation = properties.type.map(Self.name)
        queue = Self.name(death.queue)
        cause = Self.name(death.cause)
        detail = String(death.detail.prefix(FailedAttempt.maximumDetail)).storable
        attempts = death.attempts
        history = death.history
        self.properties = Self.shown(properties)
        headers = JSONValue.fields(properties.headers)
    }

    /// With nothing to look at but what cannot be refused: for a message that the database would not take otherwise. What a replay needs is kept: the queue, the
    /// bytes of the original with its headers, and the body.
    func bare(because reason: String) -> NewLetter {
        var letter = self
        letter.messageID = messageID.flatMap(UUID.init(text:))?.upperCaseText
        letter.operation = nil
        letter.queue = queue.filter { $0.isASCII }
        letter.cause = "unstorable"
        letter.detail = String(reason.prefix(FailedAttempt.maximumDetail)).storable
        letter.attempts = 0
        letter.history = []
        letter.properties = properties.filter { $0.key == Self.contentType && $0.value.isASCII }
        letter.headers = [:]
        return letter
    }

    /// What the log says of it: enough to find it by, and by its order.
    var logMetadata: Logger.Metadata {
        var metadata: Logger.Metadata = [
            "letter": "\(id.lowerCaseText)", "message": "\(messageID ?? "-")", "operation": "\(operation ?? "-")", "queue": "\(queue)", "cause": "\(cause)",
        ]
        if let subject { metadata.merge(subject.logMetadata) { $1 } }
        return metadata
    }

    /// Among the properties; says to a replay whether it is a bundle.
    private static let contentType = "contentType"

    private static func name(_ text: String) -> String {
        String(text.prefix(maximumName)).storable
    }

    private static let namespace = UUID(uuid: (0xb8, 0x6e, 0x0a, 0x17, 0x93, 0x5d, 0x4c, 0x21, 0x8f, 0x60, 0x1d, 0x3a, 0x77, 0xe4, 0x09, 0xc6))

    /// Messages that have no id and are alike in every byte can only be told apart by their deaths.
    private static func id(of delivery: Delivery, queue: String, occurrence: [UInt8]) -> UUID {
        let identity = delivery.properties.messageID.map { SHA256.hash($0) } ?? occurrence
        return UUID.v5(namespace: namespace, name: SHA256.hash(queue) + identity + SHA256.hash(delivery.body))
    }

    private static func occurrence(of delivery: Delivery) -> [UInt8] {
        let headers = delivery.properties.headers.filter { !DeathHeader.deliveryCounts.contains($0.key) }
        let parts = [
            (try? JSON.encode(Original(delivery.properties))) ?? [], (try? JSON.encode(shown(delivery.properties))) ?? [],
            (try? JSON.encode(JSONValue.fields(headers))) ?? [], delivery.body,
        ]
        return SHA256.hash(parts.flatMap(SHA256.hash))
    }

    private static func shown(_ properties: Properties) -> [String: JSONValue] {
        let texts = [
            "correlationId": properties.correlationID, "replyTo": properties.replyTo, contentType: properties.contentType,
            "contentEncoding": properties.contentEncoding, "appId": properties.appID, "userId": properties.userID,
        ]
        var shown = texts.compactMapValues { $0.map { JSONValue.string($0.storable) } }
        shown["expiration"] = properties.expiration.map { .integer(Int($0)) }
        shown["timestamp"] = properties.timestamp.map { .integer(Int($0)) }
        shown["priority"] = properties.priority.map { .integer(Int($0)) }
        shown["persistent"] = .boolean(properties.persistent)
        return shown
    }
}

extension JSONValue {
    fileprivate var isASCII: Bool { if case .string(let text) = self { text.allSatisfy(\.isASCII) } else { false } }
}
