import FoundationEssentials
import Synchronization

/// The notifications that this process is sending: the database shows them only once their batch is recorded, which a silent server can delay.
///
/// Holds the batches under way, each with at most one notification a channel and message.
public final class SendingLedger: Sendable {
    struct Entry: Sendable {
        let channel: String
        /// When it was due, and when this attempt began.
        let since, begun: Date
        /// Why the attempt failed; nil while it is under way.
        var reason: String?
        var failedAt: Date?
    }

    /// A failed attempt is recorded within this many seconds, or its batch came to nothing and is delivered again.
    static let longestRecording = 30.0

    private let entries = Mutex<[UUID: Entry]>([:])

    public init() {}

    func begin(_ notifications: [(id: UUID, channel: String, due: Date)], at now: Date) {
        entries.withLock { entries in
            for (id, channel, due) in notifications { entries[id] = Entry(channel: channel, since: due, begun: now) }
        }
    }

    func succeed(_ id: UUID) {
        entries.withLock { _ = $0.removeValue(forKey: id) }
    }

    func fail(_ id: UUID, _ reason: String, at now: Date) {
        entries.withLock { entries in
            entries[id]?.reason = reason
            entries[id]?.failedAt = now
        }
    }

    /// The attempts have ended. Failed ones remain here until they are recorded.
    func end(_ ids: [UUID]) {
        entries.withLock { entries in
            for id in ids where entries[id]?.failedAt == nil { entries[id] = nil }
        }
    }

    func recorded(_ ids: [UUID]) {
        entries.withLock { entries in
            for id in ids { entries[id] = nil }
        }
    }

    /// Notifications that have failed, or have been under way for longer than `seconds`.
    func waiting(longerThan seconds: Double, at now: Date) -> [UUID: Entry] {
        entries.withLock { entries in
            entries = entries.filter { $0.value.failedAt.map { now.timeIntervalSince($0) < Self.longestRecording } ?? true }
            return entries.filter { $0.value.failedAt != nil || now.timeIntervalSince($0.value.begun) > seconds }
        }
    }
}
