import FoundationEssentials
import FuzzTargets
import Testing

/// The short and repeatable cut of what `make fuzz` does for as long as one likes.
@Suite(.timeLimit(.minutes(10))) struct DecoderTests {
    private static let mutations = Int(ProcessInfo.processInfo.environment["WHARF_FUZZ_MUTATIONS"] ?? "") ?? 5_000
    /// Mutations after which others that share the thread have a turn.
    private static let turn = 50
    private static let seed = UInt64(ProcessInfo.processInfo.environment["WHARF_FUZZ_SEED"] ?? "") ?? 1

    @Test(arguments: FuzzTarget.allCases)
    func `a decoder of what strangers send comes back from any bytes`(target: FuzzTarget) async {
        var mutator = Mutator(seed: Self.seed)
        for seed in target.seeds { target.run(seed) }
        for number in 0..<Self.mutations {
            target.run(mutator.mutation(of: target.seeds))
            if number.isMultiple(of: Self.turn) { await Task.yield() }
        }
    }
}
