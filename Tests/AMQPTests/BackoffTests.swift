import Testing

@testable import IOThreads

@Suite struct BackoffTests {
    /// Always picks the largest delay.
    private struct Largest: RandomNumberGenerator {
        func next() -> UInt64 { .max }
    }

    @Test func `delays double up to the longest and restart after a stable connection`() {
        var backoff = Backoff(first: .milliseconds(100), longest: .seconds(3))
        var random = Largest()
        let delays = (0..<9).map { _ in backoff.next(using: &random) }
        #expect(delays == [100, 200, 400, 800, 1_600, 3_000, 3_000, 3_000, 3_000].map { .milliseconds($0) })
        backoff.ended(after: .seconds(1))
        #expect(backoff.next(using: &random) == .seconds(3))
        backoff.ended(after: Backoff.stable)
        #expect(backoff.next(using: &random) == .milliseconds(100))
    }
}
