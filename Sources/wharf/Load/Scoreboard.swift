import Synchronization

/// The tally of the run, shared by all who take part in it.
final class Scoreboard: Sendable {
    enum Phase: Sendable, Equatable {
        case connecting, catalogue, carts, orders, audit
    }

    private let state = Mutex((tally: Tally(), phase: Phase.connecting))

    var tally: Tally { state.withLock { $0.tally } }

    var phase: Phase {
        get { state.withLock { $0.phase } }
        set { state.withLock { $0.phase = newValue } }
    }

    func note<Result: Sendable>(_ change: (inout Tally) -> Result) -> Result {
        state.withLock { change(&$0.tally) }
    }
}
