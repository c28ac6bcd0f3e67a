import FoundationEssentials
import Instruments
public import Logging
public import PostgreSQL
public import Runtime
public import ServiceLifecycle
import Synchronization

/// Notices notifications that wait, for readiness and the log: within ten seconds of the first attempt, whether a server refuses or is silent.
public final class WaitingWatch: Service {
    static let interval: Duration = .seconds(3)
    /// One that has been under way for longer, in seconds, counts as waiting.
    static let timeout = 5.0
    /// Between two lines in the log while notifications wait, in seconds.
    static let reminder = 60.0

    private let database: any Database
    private let ledger: SendingLedger
    private let clock: any WallClock
    private let logger: Logger
    private let found = Mutex<[WaitingNotifications]>([])
    private let counts = GaugeSet(.notificationsWaiting)
    private let ages = GaugeSet(.notificationOldestAge)

    public init(database: any Database, ledger: SendingLedger, clock: any WallClock, logger: Logger) {
        self.database = database
        self.ledger = ledger
        self.clock = clock
        self.logger = logger
    }

    public func run() async throws {
        try? await cancelWhenGracefulShutdown {
            var loggedAt: Date?
            while true {
                // Without the database the process is not ready, which says more.
                if let waiting = try? await self.look() { self.log(waiting, &loggedAt) }
                try await self.clock.sleep(for: Self.interval)
            }
        }
    }

    /// What waits, for operators; nil when nothing does. As old as the interval.
    public var problem: String? {
        let waiting = found.withLock { $0 }
        return waiting.isEmpty ? nil : waiting.map(\.text).joined(separator: "; ")
    }

    func look() async throws -> [WaitingNotifications] {
        let now = clock.now()
        let sending = ledger.waiting(longerThan: Self.timeout, at: now)
        let stored = try await database.withConnection { connection in
            try await WaitingStore.removeStale(at: now, on: connection)
            return try await WaitingStore.read(at: now, without: Array(sending.keys), on: connection)
        }
        let waiting = WaitingNotifications.merged(Self.waiting(sending), stored)
        found.withLock { $0 = waiting }
        counts.set(Dictionary(waiting.map { ($0.channel, Double($0.count)) }, uniquingKeysWith: +))
        ages.set(Dictionary(waiting.map { ($0.channel, max(0, now.timeIntervalSince($0.since))) }, uniquingKeysWith: max))
        return waiting
    }

    private static func waiting(_ sending: [UUID: SendingLedger.Entry]) -> [WaitingNotifications] {
        Dictionary(grouping: sending.values, by: \.channel).compactMap { channel, entries in
            guard let since = entries.map(\.since).min() else { return nil }
            let reason = entries.compactMap(\.reason).first ?? "no answer for more than \(Int(timeout)) s"
            return WaitingNotifications(channel: channel, count: entries.count, since: since, reason: reason)
        }
    }

    private func log(_ waiting: [WaitingNotifications], _ loggedAt: inout Date?) {
        let now = clock.now()
        guard !waiting.isEmpty else {
            if loggedAt != nil { logger.notice("no notification waits any longer") }
            loggedAt = nil
            return
        }
        if let last = loggedAt, now.timeIntervalSince(last) < Self.reminder { return }
        loggedAt = now
        for one in waiting {
            logger.warning(
                "notifications wait",
                metadata: ["channel": "\(one.channel)", "count": "\(one.count)", "since": "\(one.since.ISO8601Format())", "reason": "\(one.reason)"])
        }
    }
}
