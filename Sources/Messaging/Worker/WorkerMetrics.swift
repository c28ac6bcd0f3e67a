import Metrics

/// A worker's counters, per queue.
struct WorkerMetrics: Sendable {
    let batchSize: Recorder
    let handled: Counter
    let retried: Counter
    let deadLettered: Counter
    /// Commands whose deadline had passed before they were taken.
    let expired: Counter

    init(service: String, queue: String) {
        let dimensions = [("service", service), ("queue", queue)]
        batchSize = Recorder(label: "wharf_batch_size", dimensions: dimensions)
        handled = Counter(label: "wharf_messages_handled_total", dimensions: dimensions)
        retried = Counter(label: "wharf_messages_retried_total", dimensions: dimensions)
        deadLettered = Counter(label: "wharf_messages_dead_lettered_total", dimensions: dimensions)
        expired = Counter(label: "wharf_messages_expired_total", dimensions: dimensions)
    }
}
