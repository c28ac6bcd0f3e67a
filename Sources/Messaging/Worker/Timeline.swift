import FoundationEssentials
import Logging
import Runtime
import Synchronization

/// When a batch came to each part of its way, for the trace of one order (`wharf-dev bench --cases trace`). There is one only while logs are at trace level.
final class Timeline: Sendable {
    /// In the order in which they come. Their names are labels of a log line.
    enum Mark: String, Sendable, CaseIterable {
        /// The batch's work begins.
        case taken
        /// The first transaction of an operation that acts outside is committed.
        case intended
        /// The gateway, the mail server or another service has answered.
        case acted
        /// The transaction is committed, or the query answered.
        case handled
        /// What follows is confirmed by the broker.
        case confirmed
    }

    private let clock: any WallClock
    private let times = Mutex<[Mark: Date]>([:])

    init?(_ logger: Logger, _ clock: any WallClock) {
        guard logger.logLevel <= .trace else { return nil }
        self.clock = clock
    }

    /// Of several times the last counts.
    func note(_ mark: Mark) {
        let now = clock.now()
        times.withLock { $0[mark] = now }
    }

    /// Microseconds since 1970 (UTC) by mark.
    var labels: Logger.Metadata {
        times.withLock { times in
            times.reduce(into: [:]) { labels, time in
                labels[time.key.rawValue] = "\(Int(exactly: (time.value.timeIntervalSince1970 * 1e6).rounded()) ?? 0)"
            }
        }
    }
}

extension BatchProcessor {
    /// One line for each message of a batch.
    func logWay(_ settlements: [Settlement], _ timeline: Timeline) {
        let labels = timeline.labels
        for settlement in settlements {
            logger.trace("way", metadata: settlement.logMetadata.merging(labels) { $1 }.merging([LogKey.queue: "\(queue)"]) { $1 })
        }
    }
}
