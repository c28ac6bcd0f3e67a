public import FoundationEssentials
import JSON
public import Messaging
import Secrets

public enum DeadLetterState: String, Sendable, Codable, CaseIterable {
    /// Undecided, or returned.
    case open
    /// Sent back to its queue; its outcome is not known yet.
    case replayed
    /// Its service has handled it.
    case handled
    /// Kept, but hidden from the list of open letters.
    case discarded
}

/// Which letters to select; nil matches any.
public struct DeadLetterFilter: Sendable, Equatable {
    public var cause: String?
    public var queue: String?
    public var state: DeadLetterState?

    public init(cause: String? = nil, queue: String? = nil, state: DeadLetterState? = .open) {
        self.cause = cause
        self.queue = queue
        self.state = state
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
}

/// A letter with everything known about it.
public struct DeadLetter: Sendable {
    /// One entry of the audit log.
    public struct AuditEntry: Sendable, Codable {
        public let at: Date
        public let actor: String
        /// `arrived`, `returned`, `replayed`, `discarded` or `restored`.
        public let action: String
    }

    public let summary: DeadLetterSummary
    /// Each failed attempt in its headers, oldest first.
    public let history: [FailedAttempt]
    public let body: [UInt8]
    /// The size of the body on arrival.
    public let bodyBytes: Int
    /// The newest last.
    public let audit: [AuditEntry]
    let properties: JSONValue
    let headers: JSONValue

    /// The body, if it is UTF-8 without control characters other than white space.
    public var bodyText: String? {
        guard let text = String(validating: body, as: UTF8.self) else { return nil }
        let isReadable = text.unicodeScalars.allSatisfy {
            $0.properties.generalCategory != .control || $0 == "\n" || $0 == "\r" || $0 == "\t"
        }
        return isReadable ? text : nil
    }

    public var bodyBase64: String { Base64.encode(body) }
}

/// How many letters died of the same cause in the same queue.
public struct CauseCount: Sendable, Codable, Equatable {
    public let cause: String
    public let queue: String
    public let count: Int
}
