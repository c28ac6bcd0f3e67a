/// What a run is to do.
struct ChaosPlan: Sendable {
    /// How long orders may take to settle once nothing goes wrong any more: the longest patience of a checkout, and then some.
    static let quietLimit = Duration.seconds(180)
    /// How long customers may wait for a success once a fault is over.
    static let recoveryLimit = Duration.seconds(60)
    /// How long the audit may take to find that all adds up: what lags behind the last order comes to rest in it.
    static let auditLimit = Duration.seconds(90)
    /// Pieces of each item: enough that most orders are confirmed, so few that what is liked best may be sold out.
    static let stock = 2_000

    let schedule: ChaosSchedule
    /// Nominally, of all faults together.
    let seconds: Int
    let baskets: Baskets
    let sequence: [Int]

    init(seed: UInt64, seconds: Int, baskets: Baskets) {
        schedule = ChaosSchedule(seed: seed, seconds: seconds)
        self.seconds = seconds
        self.baskets = baskets
        sequence = baskets.order(seed: seed)
    }

    /// When no fault is begun any more: a machine that is slower than the nominal times say ends its run nevertheless.
    var injectionLimit: Duration { .seconds(seconds + seconds / 4 + 10) }

    /// Longer than everything together.
    var longestRun: Duration { injectionLimit + Self.recoveryLimit + Self.quietLimit + .seconds(300) }

    func basket(_ number: Int) -> [Baskets.Line] {
        baskets.baskets[sequence[number % sequence.count]]
    }
}

extension Baskets {
    /// For where there is no file: as many made-up items as a corner shop has, in baskets of one to five.
    static func builtIn() throws(LoadError) -> Baskets {
        let lines = (0..<100).map { line in
            (0...line % 5).map { "item \(($0 * 37 + line * 11) % 40)" }.joined(separator: ",")
        }
        return try Baskets(Array(lines.joined(separator: "\n").utf8))
    }
}
