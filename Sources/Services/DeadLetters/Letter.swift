import Contracts
public import FoundationEssentials
import JSON
public import Messaging

/// Which letters to select; nil matches any.
public struct DeadLetterFilter: Sendable, Equatable {
    /// A text header with its value.
    public struct Header: Sendable, Equatable {
        public let name: String
        public let value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    public var service: String?
    public var operation: String?
    public var queue: String?
    public var cause: String?
    public var group: UUID?
    public var state: DeadLetterState?
    public var order: UUID?
    /// Bounds of the time at which a letter was last seen: `since` inclusive, `until` exclusive.
    public var since: Date?
    public var until: Date?
    public var header: Header?
    /// Text in the body, starting at the beginning of a word; ASCII letters match in either case. See ``SearchWords`` for how much of a body is searched.
    public var text: String?

    public init(
        service: String? = nil, operation: String? = nil, cause: String? = nil, queue: String? = nil, group: UUID? = nil, state: DeadLetterState? = .open,
        order: UUID? = nil, since: Date? = nil, until: Date? = nil, header: Header? = nil, text: String? = nil
    ) {
        self.service = service
        self.operation = operation
        self.queue = queue
        self.cause = cause
        self.group = group
        self.state = state
        self.order = order
        self.since = since
        self.until = until
        self.header = header
        self.text = text
    }
}

public struct DeadLetterSummary: Sendable {
    public let id: UUID
    /// As received: it need not be a UUID.
    public let messageID: String?
    public let operation: String?
    /// The queue that it died in, and that a replay sends it to; empty when unknown.
    public let queue: String
    public let cause: String
    public let detail: String
    public let attempts: Int
    public let state: DeadLetterState
    /// How often it has died.
    public let seen: Int
    public let firstSeenAt: Date
    public let lastSeenAt: Date
    public let settledAt: Date?
    public let settledBy: String?
    /// The service whose queue it died in; empty when the queue is unknown.
    public let service: String
    /// The letters of the same cause.
    public let group: UUID
    public let references: References
    /// The earliest failed attempt that its headers have recorded.
    public let firstFailedAt: Date
    /// Whether a replay sends a body other than the one it died with.
    public let isEdited: Bool
}

/// A letter with everything known about it.
public struct DeadLetter: Sendable {
    /// One entry of the audit log.
    public struct AuditEntry: Sendable, Codable {
        public let at: Date
        public let actor: String
        /// `arrived`, `returned`, `replayed`, `handled`, `discarded`, `restored`, `edited`, `reverted` or `imported`.
        public let action: String
    }

    /// The body that a replay sends instead of the original one.
    public struct Edit: Sendable, Equatable {
        public let body: [UInt8]
        public let by: String
        public let at: Date
        /// Whether an edited body was ever sent. If so, the original is never sent again.
        public let wasSent: Bool
    }

    public let summary: DeadLetterSummary
    /// Each failed attempt in its headers, oldest first.
    public let history: [FailedAttempt]
    public let body: BodyPart
    /// The size of the whole body on arrival.
    public let bodyBytes: Int
    /// The newest last.
    public let audit: [AuditEntry]
    let properties: JSONValue
    let headers: JSONValue
    /// See ``Original``.
    let original: [UInt8]
    public let edit: Edit?
}

/// How many letters died of the same cause in the same queue.
public struct CauseCount: Sendable, Codable, Equatable {
    public let cause: String
    public let queue: String
    public let count: Int
}
