/// How long to wait before the next attempt to connect: doubling, with full jitter, so that a fleet does not come back all at once.
struct Backoff {
    static let first: Duration = .milliseconds(100)
    static let longest: Duration = .seconds(3)
    /// A connection that lasted this long makes the waiting begin anew.
    static let stable: Duration = .seconds(10)

    private var bound = Self.first

    /// A random time between nothing and the bound, which doubles each time.
    mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        defer { bound = min(bound * 2, Self.longest) }
        return .milliseconds(Int64.random(in: 0...bound.milliseconds, using: &generator))
    }

    mutating func ended(after lifetime: Duration) {
        if lifetime >= Self.stable { bound = Self.first }
    }
}
