import Testing

@testable import IOThreads

@Suite struct BackoffTests {
    @Test func `delays double up to the longest and restart after a stable connection`() {
        var backoff = Backoff(first: .milliseconds(100), longest: .seconds(3))
        let delays = (0..<9).map { _ in backoff.next(\.upperBound) }
        #expect(delays == [100, 200, 400, 800, 1_600, 3_000, 3_000, 3_000, 3_000].map { .milliseconds($0) })
        backoff.ended(after: .seconds(1))
        #expect(backoff.next(\.upperBound) == .seconds(3))
        backoff.ended(after: Backoff.stable)
        #expect(backoff.next(\.upperBound) == .milliseconds(100))
    }
}
