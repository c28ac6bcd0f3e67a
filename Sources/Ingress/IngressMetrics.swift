import Instruments
import Metrics

/// The ingress's counters, per operation. Made once, so that a request only adds.
struct IngressMetrics: Sendable {
    private struct OfOperation: Sendable {
        let duration: Recorder
        /// The counters of 2xx, 3xx, 4xx and 5xx.
        let responses: [Counter]

        init(_ operation: String) {
            duration = Instrument.httpDuration.histogram(operation)
            responses = (2...5).map { hundred in Instrument.httpResponses.counter(operation, "\(hundred)xx") }
        }
    }

    /// Every request takes less; a clock that was set may report anything.
    private static let longestSeconds = 86_400.0
    /// For requests that belong to no operation.
    private static let none = "none"

    private let operations: [String: OfOperation]
    private let others = OfOperation(none)
    /// Requests that were rejected because too many were in progress.
    private let turnedAway = Instrument.httpTurnedAway.counter()

    init(_ endpoints: [Endpoint]) {
        operations = Dictionary(endpoints.map { ($0.operationID, OfOperation($0.operationID)) }) { first, _ in first }
    }

    /// Reads that were answered from what is kept.
    private let kept = Instrument.httpAnswersKept.counter()

    func recordKept() { kept.increment() }
    func recordTurnedAway() { turnedAway.increment() }

    func record(_ operation: String?, status: Int, seconds: Double) {
        let metrics = operation.flatMap { operations[$0] } ?? others
        metrics.duration.record(min(max(0, seconds), Self.longestSeconds))
        metrics.responses[min(max(status / 100, 2), 5) - 2].increment()
    }
}
