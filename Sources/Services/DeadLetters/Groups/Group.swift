public import FoundationEssentials

/// What operators have decided about a group.
public enum DeadLetterGroupState: String, Sendable, Codable, CaseIterable {
    case open
    /// Known, and left out of the list of open groups until an operator opens it again.
    case muted
    /// Fixed. The next letter opens the group again and marks it as returned.
    case resolved
}

/// The letters of one cause.
public struct DeadLetterGroup: Sendable {
    /// The number of hours with separate counts.
    public static let hours = 24

    /// Why a group is marked as returned.
    public enum Returned: String, Sendable, Codable {
        case never
        /// A letter arrived after letters of the group had been replayed.
        case replay
        /// A letter arrived after the group had been resolved.
        case resolved
    }

    public let id: UUID
    public let service: String
    public let operation: String?
    public let cause: String
    /// The error's text without what differs from message to message.
    public let text: String
    /// Letters that are kept, in any state.
    public let count: Int
    public let open: Int
    /// Different orders that its letters have named.
    public let orders: Int
    public let firstSeenAt: Date
    public let lastSeenAt: Date
    /// How often messages died in each of the last hours, the oldest first; the last one is the present hour, which began at the full hour (UTC).
    public let perHour: [Int]
    /// The newest letter; nil when all have been deleted.
    public let example: UUID?
    public let name: String?
    public let note: String?
    public let state: DeadLetterGroupState
    public let returned: Returned
}
