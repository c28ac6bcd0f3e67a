import AMQP
import FoundationEssentials
import Synchronization

/// How old the messages are that a worker has taken from a queue and not settled yet.
///
/// Workers take messages in order, so the oldest message that the workers of a queue hold is the oldest of the queue, for as long as it has a worker. RabbitMQ
/// itself reports no age for quorum queues.
final class HeldMessages: Sendable {
    private struct State {
        /// By batch. At most as many as there are lanes.
        var oldest: [UInt64: Date] = [:]
        var lastBatch: UInt64 = 0
    }

    private let state = Mutex(State())

    /// - Returns: The name of the batch, for ``settled(_:)``.
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

    /// In seconds; 0 when no message is held.
    func age(at now: Date) -> Double {
        guard let oldest = state.withLock({ $0.oldest.values.min() }) else { return 0 }
        return max(0, now.timeIntervalSince(oldest))
    }
}

extension Delivery {
    /// When it came to its queue, to the second: its publisher's time, or the broker's where it has come from a rung of the ladder. Nil for a message of a
    /// publisher that does not say.
    var queuedAt: Date? {
        if case .array(let deaths)? = properties.headers["x-death"], case .table(let latest)? = deaths.first, case .timestamp(let seconds)? = latest["time"] {
            return Date(headerSeconds: seconds)
        }
        return properties.timestamp.flatMap(Date.init(headerSeconds:))
    }
}

extension Date {
    /// The same as `init(headerMilliseconds:)`, for seconds.
    fileprivate init?(headerSeconds seconds: Int64) {
        let (milliseconds, overflows) = seconds.multipliedReportingOverflow(by: 1_000)
        guard !overflows else { return nil }
        self.init(headerMilliseconds: milliseconds)
    }
}
