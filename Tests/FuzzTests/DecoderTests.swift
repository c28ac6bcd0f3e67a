import FoundationEssentials
import FuzzTargets
import Testing

/// The short and repeatable part of `make fuzz`, which can run for any time.
@Suite(.timeLimit(.minutes(10))) struct DecoderTests {
    private static let mutations = Int(ProcessInfo.processInfo.environment["WHARF_FUZZ_MUTATIONS"] ?? "") ?? 5_000
    /// Mutations after which other tasks on the thread have a turn.
    private static let turn = 50
    private static let seed = UInt64(ProcessInfo.processInfo.environment["WHARF_FUZZ_SEED"] ?? "") ?? 1

    @Test(arguments: FuzzTarget.allCases)
    func `a decoder of untrusted input returns for any bytes`(target: FuzzTarget) async {
        var mutator = Mutator(seed: Self.seed)
        for seed in target.seeds { target.run(seed) }
        for number in 0..<Self.mutations {
            target.run(mutator.mutation(of: target.seeds))
            if number.isMultiple(of: Self.turn) { await Task.yield() }
        }
    }
}
