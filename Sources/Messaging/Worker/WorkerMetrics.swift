import Instruments
import Metrics
import Synchronization

/// The outcome of a message of a batch.
enum MessageOutcome: String, Sendable {
    case handled
    /// Answered with a 4xx.
    case rejected
    /// Answered with a 5xx.
    case failed
    /// The inbox knew it: only the messages that it had caused were sent again.
    case repeated
    /// Its deadline passed before it was taken.
    case expired
    case retried
    /// Its requester was asked to retry.
    case refused
    case deadLettered = "dead-lettered"
}

/// A worker's metrics of one queue. A batch takes the lock once for each of its operations and outcomes, not once for each message.
final class WorkerMetrics: Sendable {
    fileprivate struct Ending: Hashable {
        let operation: String
        let outcome: MessageOutcome
    }

    private struct Series {
        var messages: [Ending: Counter] = [:]
        var durations: [String: Recorder] = [:]
        var sent: [String: Counter] = [:]
    }

    /// The outcomes of the messages of one batch.
    struct Tally {
        fileprivate var endings: [Ending: Int] = [:]
        fileprivate var sent: [String: Int] = [:]

        /// - Parameter operation: Nil for a message that names no operation of the service.
        mutating func add(_ operation: String?, _ outcome: MessageOutcome) {
            endings[Ending(operation: operation ?? "unknown", outcome: outcome), default: 0] += 1
        }

        mutating func send(_ message: String) { sent[message, default: 0] += 1 }
    }

    let batchSize: Recorder
    let wait: Recorder
    private let service: String
    private let queue: String
    private let inboxHits: Counter
    /// These exist from the start: Prometheus counts increases, so it would miss the event that creates a counter.
    let deadLettered: Counter
    private let retries: [String: Counter]
    private let series = Mutex(Series())

    init(service: String, queue: String, rungs: [String] = RetryLadder.standard.rungs) {
        self.service = service
        self.queue = queue
        batchSize = Instrument.batchMessages.histogram(service, queue)
        wait = Instrument.queueWait.histogram(service, queue)
        inboxHits = Instrument.inboxHits.counter(service)
        deadLettered = Instrument.deadLetters.counter(service, queue)
        retries = Dictionary(rungs.map { ($0, Instrument.retries.counter(service, queue, $0)) }, uniquingKeysWith: { first, _ in first })
    }

    /// - Parameter seconds: The time from taking the batch to settling it.
    func record(_ tally: Tally, seconds: Double) {
        series.withLock { series in
            for (ending, count) in tally.endings {
                if ending.outcome == .repeated { inboxHits.increment(by: count) }
                let made = { Instrument.messages.counter(self.service, ending.operation, ending.outcome.rawValue) }
                series.messages[ending, orMade: made].increment(by: count)
            }
            for operation in Set(tally.endings.keys.map(\.operation)) {
                series.durations[operation, orMade: { Instrument.messageDuration.histogram(self.service, operation) }].record(seconds)
            }
            for (message, count) in tally.sent {
                series.sent[message, orMade: { Instrument.messagesSent.counter(self.service, message) }].increment(by: count)
            }
        }
    }

    func retried(on rung: String) { retries[rung]?.increment() }
}

extension Dictionary {
    fileprivate subscript(key: Key, orMade make: () -> Value) -> Value {
        mutating get {
            if let known = self[key] { return known }
            let made = make()
            self[key] = made
            return made
        }
    }
}
