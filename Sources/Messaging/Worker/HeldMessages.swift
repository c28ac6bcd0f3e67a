import AMQP
import FoundationEssentials
import Synchronization

/// The age of the messages that a worker has taken from a queue and not settled yet.
///
/// Workers take messages in order, so the oldest message that a queue's workers hold is the oldest of the queue, as long as it has a worker. RabbitMQ
/// reports no age for quorum queues.
final class HeldMessages: Sendable {
    private struct State {
        /// The oldest message of each batch, at most one batch per lane.
        var oldest: [UInt64: Date] = [:]
        var lastBatch: UInt64 = 0
    }

    private let state = Mutex(State())

    /// - Returns: The number of the batch, for ``settled(_:)``.
    func took(_ oldest: Date) -> UInt64 {
        state.withLock { state in
            state.lastBatch += 1
            state.oldest[state.lastBatch] = oldest
            return state.lastBatch
        }
    }

    func settled(_ batch: UInt64) {
        state.withLock { _ = $0.oldest.removeValue(forKey: batch) }
    }

    /// The age in seconds; 0 if no message is held.
    func age(at now: Date) -> Double {
        guard let oldest = state.withLock({ $0.oldest.values.min() }) else { return 0 }
        return max(0, now.timeIntervalSince(oldest))
    }
}

extension Delivery {
    /// The time when it came to its queue, to the second: the publisher's time, or the broker's if it came from a rung of the ladder. Nil if its publisher
    /// set no time.
    var queuedAt: Date? {
        if case .array(let deaths)? = properties.headers["x-death"], case .table(let latest)? = deaths.first, case .timestamp(let seconds)? = latest["time"] {
            return Date(headerSeconds: seconds)
        }
        return properties.timestamp.flatMap(Date.init(headerSeconds:))
    }
}

extension Date {
    /// As `init(headerMilliseconds:)`, for seconds.
    fileprivate init?(headerSeconds seconds: Int64) {
        let (milliseconds, overflows) = seconds.multipliedReportingOverflow(by: 1_000)
        guard !overflows else { return nil }
        self.init(headerMilliseconds: milliseconds)
    }
}
