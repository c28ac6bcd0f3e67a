/// The properties of an AMQP message. Each text is at most 255 bytes of UTF-8.
///
/// Received text that is not UTF-8 is repaired with U+FFFD; a received expiration that is no number is `nil`.
public struct Properties: Hashable, Sendable {
    public var messageID: String?
    public var correlationID: String?
    public var replyTo: String?
    public var type: String?
    public var contentType: String?
    public var contentEncoding: String?
    public var appID: String?
    /// The broker closes the channel when this is not the connection's own user.
    public var userID: String?
    /// Milliseconds that the message may wait in a queue.
    public var expiration: Int?
    /// Seconds since 1970.
    public var timestamp: Int64?
    /// Whether the message survives a restart of the broker.
    public var persistent: Bool
    public var priority: UInt8?
    /// Keys are at most 128 bytes.
    public var headers: [String: FieldValue]

    /// Everything is absent, and the message is persistent, unless specified otherwise.
    public init(
        messageID: String? = nil,
        correlationID: String? = nil,
        replyTo: String? = nil,
        type: String? = nil,
        contentType: String? = nil,
        contentEncoding: String? = nil,
        appID: String? = nil,
        userID: String? = nil,
        expiration: Int? = nil,
        timestamp: Int64? = nil,
        persistent: Bool = true,
        priority: UInt8? = nil,
        headers: [String: FieldValue] = [:]
    ) {
        self.messageID = messageID
        self.correlationID = correlationID
        self.replyTo = replyTo
        self.type = type
        self.contentType = contentType
        self.contentEncoding = contentEncoding
        self.appID = appID
        self.userID = userID
        self.expiration = expiration
        self.timestamp = timestamp
        self.persistent = persistent
        self.priority = priority
        self.headers = headers
    }
}
