import Load
import Seeds
import ShopClient

/// What a run is to do.
struct ChaosPlan: Sendable {
    /// How long orders may take to settle once all faults are over: the longest time limit of a checkout, and then some.
    static let quietLimit = Duration.seconds(180)
    /// How long customers may wait for a success once a fault is over.
    static let recoveryLimit = Duration.seconds(60)
    /// How long the audit may take to find everything consistent: work that follows the last order finishes in it.
    static let auditLimit = Duration.seconds(90)
    /// Pieces of an item of which there is enough: most orders are to be confirmed.
    static let stock = 2_000
    /// Items that soon run out, and pieces of each: orders for them are rejected from then on, and many customers want the last one at once.
    static let scarceGoods = 3
    static let scarceStock = 4
    /// The first baskets, from which the scarce items are drawn: frequent items are drawn sooner.
    private static let sampledBaskets = 60

    let schedule: ChaosSchedule
    /// Nominally, of all faults together.
    let seconds: Int
    let baskets: Baskets
    let sequence: [Int]
    /// Places of the scarce items among the goods; they follow from the seed and the baskets.
    let scarce: Set<Int>

    init(seed: UInt64, seconds: Int, baskets: Baskets, kinds: [FaultKind] = FaultKind.alone) {
        schedule = ChaosSchedule(seed: seed, seconds: seconds, kinds: kinds)
        self.seconds = seconds
        self.baskets = baskets
        sequence = baskets.order(seed: seed)
        var random = SplitMix(seed: seed)
        let sampled = sequence.prefix(Self.sampledBaskets).flatMap { baskets.baskets[$0].map(\.good) }
        var scarce: Set<Int> = []
        for good in sampled.shuffled(using: &random) where scarce.count < Self.scarceGoods { scarce.insert(good) }
        self.scarce = scarce
    }

    var scarceSKUs: Set<String> { Set(scarce.map { baskets.goods[$0].sku }) }

    /// When no further fault begins: a machine slower than the nominal times still ends its run.
    var injectionLimit: Duration { .seconds(seconds + seconds / 4 + 10) }

    /// Longer than everything together.
    var longestRun: Duration { injectionLimit + Self.recoveryLimit + Self.quietLimit + .seconds(300) }

    /// What happens to an order after its checkout.
    func fate(of number: Int) -> Fate { Fate(seed: schedule.seed, number: number) }

    func basket(_ number: Int) -> [Baskets.Line] {
        baskets.baskets[sequence[number % sequence.count]]
    }
}

extension Baskets {
    /// For runs without a file: as many made-up items as a corner shop has, in baskets of one to five.
    static func builtIn() throws(LoadError) -> Baskets {
        let lines = (0..<100).map { line in
            (0...line % 5).map { "item \(($0 * 37 + line * 11) % 40)" }.joined(separator: ",")
        }
        return try Baskets(Array(lines.joined(separator: "\n").utf8))
    }
}
