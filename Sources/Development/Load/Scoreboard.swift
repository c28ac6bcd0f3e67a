import Synchronization

/// The tally of the run, shared by all its tasks.
package final class Scoreboard: Sendable {
    package enum Phase: Sendable, Equatable {
        case connecting, catalogue, carts, orders, audit
    }

    private let state = Mutex((tally: Tally(), phase: Phase.connecting))

    package init() {}

    package var tally: Tally { state.withLock { $0.tally } }

    func enter(_ phase: Phase) {
        state.withLock { $0.phase = phase }
    }

    /// Reads the tally in place: a copy would make the next change copy everything.
    package func read<Result: Sendable>(_ look: (Tally, Phase) -> Result) -> Result {
        state.withLock { look($0.tally, $0.phase) }
    }

    package func note(_ change: (inout Tally) -> Void) {
        state.withLock { change(&$0.tally) }
    }
}
