import Metrics

/// The ingress's counters, per operation. Made once, so that a request only adds.
struct IngressMetrics: Sendable {
    private struct OfOperation: Sendable {
        let duration: Timer
        /// By the first digit of the status: 2xx at index 2.
        let responses: [Counter]

        init(_ operation: String) {
            duration = Timer(label: "wharf_http_request_duration_seconds", dimensions: [("operation", operation)])
            responses = (0...5).map { hundred in
                Counter(label: "wharf_http_responses_total", dimensions: [("operation", operation), ("status", "\(hundred)xx")])
            }
        }
    }

    /// Every request takes less; a clock that was set may report anything.
    private static let longestSeconds = 86_400.0
    /// For requests that belong to no operation.
    private static let none = "none"

    private let operations: [String: OfOperation]
    private let others = OfOperation(none)
    /// Requests that were rejected because too many were in progress.
    private let turnedAway = Counter(label: "wharf_http_requests_turned_away_total")

    init(_ endpoints: [Endpoint]) {
        operations = Dictionary(endpoints.map { ($0.operationID, OfOperation($0.operationID)) }) { first, _ in first }
    }

    /// Reads that were answered from what is kept.
    private let kept = Counter(label: "wharf_http_answers_kept_total")

    func recordKept() { kept.increment() }
    func recordTurnedAway() { turnedAway.increment() }

    func record(_ operation: String?, status: Int, seconds: Double) {
        let metrics = operation.flatMap { operations[$0] } ?? others
        metrics.duration.recordNanoseconds(Int64(min(max(0, seconds), Self.longestSeconds) * 1e9))
        metrics.responses[min(max(status / 100, 0), 5)].increment()
    }
}
