import Instruments
import Metrics
import Synchronization

/// Spans that wait for their export. When the buffer is full, the oldest spans are dropped and counted as `wharf_spans_dropped_total`.
public final class SpanBuffer: Sendable {
    /// About 8 MB: more spans than a process creates between two exports. If the collector is unavailable, the newest spans are the useful ones.
    public static let capacity = 8_192

    private struct State {
        /// A ring once it is full: the oldest is at `oldest`.
        var spans: [FinishedSpan] = []
        var oldest = 0
    }

    private let state = Mutex(State())
    private let capacity: Int
    private let dropped = Instrument.spansDropped.counter("buffer full")

    public init(capacity: Int = SpanBuffer.capacity) {
        self.capacity = max(1, capacity)
    }

    public var count: Int { state.withLock { $0.spans.count } }

    func add(_ span: FinishedSpan) {
        let isFull = state.withLock { state in
            guard state.spans.count == capacity else {
                // Before it was full, or after it was emptied in part, `oldest` is 0.
                state.spans.append(span)
                return false
            }
            state.spans[state.oldest] = span
            state.oldest = (state.oldest + 1) % capacity
            return true
        }
        if isFull { dropped.increment() }
    }

    /// Removes the oldest spans, no more than `limit`, and returns them, oldest first.
    public func take(_ limit: Int) -> [FinishedSpan] {
        state.withLock { state in
            let ordered = state.spans[state.oldest...] + state.spans[..<state.oldest]
            state.spans = Array(ordered.dropFirst(limit))
            state.oldest = 0
            return Array(ordered.prefix(limit))
        }
    }
}
