import Load
import Seeds
import Terminal

/// Which faults occur, in which order: follows from the seed and the length alone.
///
/// Kinds are dealt like cards. The deck holds each kind as often as its share says, and is dealt to its end before it is shuffled again, so that
/// no kind waits for its turn longer than two decks; targets of a kind are dealt in the same way.
struct ChaosSchedule: Sendable, Equatable {
    static let lengths = 10...3_600
    /// With it every kind of fault comes at least once.
    static let wholeDeck = 300
    /// Between one fault and the next: the recovered part is under load for a moment.
    static let rest = Duration.seconds(1)

    let seed: UInt64
    let injections: [Injection]

    /// - Parameter seconds: the nominal time of all faults together; a rest too short for another fault is left unused.
    /// - Parameter kinds: the kinds that are dealt.
    init(seed: UInt64, seconds: Int, kinds: [FaultKind] = FaultKind.alone) {
        var dealer = Dealer(seed: seed)
        var injections: [Injection] = []
        var left = seconds
        while true {
            let before = injections.count
            for kind in dealer.deck(of: kinds) {
                let hold = dealer.hold(kind)
                let cost = hold + kind.effort + Int(Self.rest.components.seconds)
                // The draws are the same whether it fits or not: a longer run begins with the same faults.
                let target = dealer.target(kind)
                guard cost <= left else { continue }
                left -= cost
                injections.append(Injection(kind: kind, target: target, hold: .seconds(hold)))
            }
            guard injections.count > before else { break }
        }
        self.seed = seed
        self.injections = injections
    }

    var text: String {
        injections.enumerated().map { "\("\($0 + 1).".padded(to: 4)) \($1.text)" }.joined(separator: "\n")
    }
}

private struct Dealer {
    private var random: SplitMix
    private var targets: [FaultKind: [String]] = [:]

    init(seed: UInt64) {
        random = SplitMix(seed: seed)
    }

    mutating func deck(of kinds: [FaultKind]) -> [FaultKind] {
        kinds.flatMap { Array(repeating: $0, count: $0.share) }.shuffled(using: &random)
    }

    mutating func hold(_ kind: FaultKind) -> Int {
        Int.random(in: kind.holds, using: &random)
    }

    mutating func target(_ kind: FaultKind) -> String {
        if targets[kind, default: []].isEmpty { targets[kind] = kind.targets.shuffled(using: &random) }
        return targets[kind]?.popLast() ?? ""
    }
}
