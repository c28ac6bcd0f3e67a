import Synchronization

/// Counts the requests in progress and admits no more than the bound.
package final class ConcurrencyLimit: Sendable {
    private let limit: Int
    private let underWay = Mutex(0)

    package init(limit: Int) {
        self.limit = limit
    }

    /// Whether there is room; `leave` gives it back.
    package func enter() -> Bool {
        underWay.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
    }

    package func leave() {
        underWay.withLock { $0 -= 1 }
    }
}
