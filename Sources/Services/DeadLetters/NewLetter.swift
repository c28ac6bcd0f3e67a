import AMQP
import Contracts
import FoundationEssentials
import JSON
import Logging
import Messaging
import PostgreSQL
import Secrets

/// A dead message as it is stored, made from any delivery: no content of a delivery can make this fail.
struct NewLetter: Sendable {
    /// The largest body stored: RabbitMQ 4's limit for a whole message. A longer one is truncated, and can be inspected but not replayed.
    static let maximumBody = 16 << 20
    /// The longest short string in AMQP.
    static let maximumName = 255
    static let maximumHistory = FailedAttempt.maximumKept

    var id: UUID
    /// Distinguishes this death of the message from its others; the same when it is merely redelivered.
    let occurrence: [UInt8]
    var messageID: String?
    var operation: String?
    var queue: String
    var cause: String
    var detail: String
    var attempts: Int
    var history: [FailedAttempt]
    /// For display, like `headers`.
    var properties: JSONB
    var headers: JSONB
    let original: [UInt8]
    let body: [UInt8]
    let bodyBytes: Int
    /// A replay recognises a bundle by this.
    let contentType: String?
    /// The order that it is about.
    let subject: Subject?
    var group: GroupKey
    var references: References
    /// See ``SearchWords/joined(body:headers:)``.
    var words: String?

    init(_ delivery: Delivery) {
        let properties = delivery.properties
        let death = Death(delivery)
        let original = Original(properties)
        // Encoding texts cannot fail. Should it ever, at least the body is kept.
        self.original = (try? JSON.encode(original)) ?? []
        body = Array(delivery.body.prefix(Self.maximumBody))
        bodyBytes = delivery.body.count
        contentType = properties.contentType?.storable
        subject = Subject(properties.headers)
        self.properties = Self.shown(properties)
        headers = Self.shown(properties.headers)
        occurrence = Self.occurrence([self.original, self.properties.bytes, Self.withoutCounts(properties.headers) ?? headers.bytes, delivery.body])
        id = Self.id(messageID: properties.messageID, queue: death.queue, body: delivery.body, occurrence: occurrence)
        messageID = properties.messageID.map(Self.name)
        operation = properties.type.map(Self.name)
        queue = Self.name(death.queue)
        cause = Self.name(death.cause)
        detail = String(death.detail.prefix(FailedAttempt.maximumDetail)).storable
        attempts = death.attempts
        history = death.history
        group = GroupKey(queue: queue, operation: operation, cause: cause, detail: detail)
        references = References(original, body: body)
        words = SearchWords.joined(body: body, headers: original.headers)
    }

    /// Without the parts for display that a database can reject: for a message that it does not accept otherwise. A replay's data is kept: the queue, the
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
        letter.properties = Self.json(contentType.map { $0.allSatisfy(\.isASCII) ? [Self.contentType: .string($0)] : [:] } ?? [:])
        letter.headers = Self.json([:])
        letter.group = GroupKey(queue: letter.queue, operation: nil, cause: letter.cause, detail: letter.detail)
        letter.references.orderNumber = nil
        letter.references.trace = nil
        letter.words = nil
        return letter
    }

    /// The metadata for the log: enough to find the letter, also by its order.
    var logMetadata: Logger.Metadata {
        var metadata: Logger.Metadata = [
            "letter": "\(id.lowerCaseText)", "message": "\(messageID ?? "-")", "operation": "\(operation ?? "-")", "queue": "\(queue)", "cause": "\(cause)",
        ]
        if let subject { metadata.merge(subject.logMetadata) { $1 } }
        return metadata
    }

    /// The time of the earliest failed attempt that is known; nil when none is.
    var firstFailedAt: Date? { history.map(\.at).min() }

    private static let contentType = "contentType"

    private static func name(_ text: String) -> String {
        String(text.prefix(maximumName)).storable
    }

    private static let namespace = UUID(uuid: (0xb8, 0x6e, 0x0a, 0x17, 0x93, 0x5d, 0x4c, 0x21, 0x8f, 0x60, 0x1d, 0x3a, 0x77, 0xe4, 0x09, 0xc6))

    /// Equal for all deaths of one message; two messages under one id are two letters. Byte-equal messages without an id can only be
    /// distinguished by their deaths.
    static func id(messageID: String?, queue: String, body: [UInt8], occurrence: [UInt8] = []) -> UUID {
        let identity = messageID.map { SHA256.hash($0) } ?? occurrence
        return UUID.v5(namespace: namespace, name: SHA256.hash(queue) + identity + SHA256.hash(body))
    }

    private static func occurrence(_ parts: [[UInt8]]) -> [UInt8] {
        SHA256.hash(parts.flatMap(SHA256.hash))
    }

    /// Without the broker's counts of deliveries, which differ from one delivery of the same death to the next; nil if there are none.
    private static func withoutCounts(_ headers: [String: FieldValue]) -> [UInt8]? {
        guard DeathHeader.deliveryCounts.contains(where: { headers[$0] != nil }) else { return nil }
        return shown(headers.filter { !DeathHeader.deliveryCounts.contains($0.key) }).bytes
    }

    private static func shown(_ headers: [String: FieldValue]) -> JSONB { json(JSONValue.fields(headers)) }

    private static func shown(_ properties: Properties) -> JSONB {
        let texts = [
            "correlationId": properties.correlationID, "replyTo": properties.replyTo, contentType: properties.contentType,
            "contentEncoding": properties.contentEncoding, "appId": properties.appID, "userId": properties.userID,
        ]
        var shown = texts.compactMapValues { $0.map { JSONValue.string($0.storable) } }
        shown["expiration"] = properties.expiration.map { .integer(Int($0)) }
        shown["timestamp"] = properties.timestamp.map { .integer(Int($0)) }
        shown["priority"] = properties.priority.map { .integer(Int($0)) }
        shown["persistent"] = .boolean(properties.persistent)
        return json(shown)
    }

    /// Encoding cannot fail: the values have no numbers without a JSON form.
    private static func json(_ fields: [String: JSONValue]) -> JSONB {
        JSONB(bytes: (try? JSON.encode(fields)) ?? Array("{}".utf8))
    }
}
