/// How long to rest between attempts: 50 ms, doubling up to 2 s, each shortened by up to half at random, so that many
/// processes that lost the same server do not return in step.
struct Backoff: Sendable {
    static let shortest: Duration = .milliseconds(50)
    static let longest: Duration = .seconds(2)

    private var upcoming = shortest

    /// `random` is one of 0 to 1.
    mutating func next(random: Double = .random(in: 0...1)) -> Duration {
        defer { upcoming = min(upcoming * 2, Self.longest) }
        return upcoming * (1 - random / 2)
    }

    mutating func reset() {
        upcoming = Self.shortest
    }
}
