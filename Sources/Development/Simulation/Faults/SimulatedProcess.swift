import FoundationEssentials
import Messaging
import Runtime
import Synchronization

/// One incarnation of a process. Each of its calls through a seam is a point at which it can be killed; from then on none of its calls returns, so that
/// it does nothing afterwards.
final class SimulatedProcess: Sendable {
    /// Where a process can die. The first six are the rows of the crash table of the architecture.
    enum Point: String, CaseIterable {
        case statement = "before a statement, uncommitted"
        case commit = "before COMMIT"
        case committed = "after COMMIT, before anything is sent"
        case publish = "before its outputs are sent"
        case published = "after the broker took the outputs, before their confirms are seen"
        case acknowledge = "after the confirms, before the ack"
        case acknowledged = "after the ack"
        case deliver = "before deliveries are taken"
        case reply = "before replies are sent"
        case gatewayCall = "before the gateway is called"
        case gatewayAnswer = "after the gateway acted, before that is committed"
        case mail = "after a mail was sent, before that is committed"

        /// How much likelier than elsewhere a crash is here: points that are passed seldom would never see one.
        var weight: Double {
            switch self {
            case .statement: 0.4
            case .gatewayCall, .gatewayAnswer, .mail: 10
            default: 1
            }
        }
    }

    private struct State {
        var isDead = false
        var onDeath: [@Sendable () -> Void] = []
    }

    let name: String
    private let state = Mutex(State())
    private let faults: Faults
    private let visits: Visits

    private let isMortal: Bool

    init(_ name: String, faults: Faults, visits: Visits, isMortal: Bool = true) {
        self.isMortal = isMortal
        self.name = name
        self.faults = faults
        self.visits = visits
    }

    var isDead: Bool { state.withLock { $0.isDead } }

    func onDeath(_ action: @escaping @Sendable () -> Void) {
        state.withLock { $0.onDeath.append(action) }
    }

    /// Dies here, or continues.
    func pass(_ point: Point) async {
        await check()
        guard isMortal, faults.crashes(weight: point.weight) else { return }
        visits.note("crash \(point.rawValue)")
        faults.trace.note("\(name) crashes \(point.rawValue)")
        kill()
        await check()
    }

    /// Returns only if the process is alive.
    func check() async {
        guard isDead else { return }
        await unsafe withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
    }

    func kill() {
        let actions = state.withLock { state in
            guard !state.isDead else { return [] as [@Sendable () -> Void] }
            state.isDead = true
            return state.onDeath
        }
        for action in actions { action() }
    }
}

/// A clock on which a killed process sleeps for ever.
struct ProcessClock: WallClock {
    let clock: SimulatedClock
    let process: SimulatedProcess

    func now() -> Date { clock.now() }
    var isSimulated: Bool { true }

    func sleep(for duration: Duration) async throws {
        await process.check()
        do {
            try await clock.sleep(for: duration)
        } catch {
            await process.check()
            throw error
        }
        await process.check()
    }
}
