/// How long to wait before the next attempt to connect: doubling up to a limit, with full jitter, so that many processes that lost one server do not
/// return in step.
package struct Backoff: Sendable {
    private let first: Duration
    private let longest: Duration
    /// A connection that lasted this long resets the waits.
    package static let stable: Duration = .seconds(10)

    private var bound: Duration

    package init(first: Duration, longest: Duration) {
        self.first = first
        self.longest = longest
        bound = first
    }

    /// A random time between zero and the bound, which doubles with each call.
    ///
    /// - Parameter draw: Returns a number of milliseconds from a range. A closure, not a generator: the system's has no size, and ThreadSanitizer reads the
    ///   address of what is passed `inout`.
    package mutating func next(_ draw: (ClosedRange<Int64>) -> Int64 = { .random(in: $0) }) -> Duration {
        defer { bound = min(bound * 2, longest) }
        let (seconds, attoseconds) = bound.components
        return .milliseconds(draw(0...(seconds * 1_000 + attoseconds / 1_000_000_000_000_000)))
    }

    package mutating func ended(after lifetime: Duration) {
        if lifetime >= Self.stable { reset() }
    }

    package mutating func reset() {
        bound = first
    }
}
