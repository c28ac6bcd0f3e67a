import Synchronization

/// The events of a run, line by line, and a hash over them: two runs with the same hash did the same.
public final class Trace: Sendable {
    private struct State {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        var lines = 0
    }

    private let state = Mutex(State())
    private let clock: SimulatedClock
    private let show: (@Sendable (String) -> Void)?

    init(clock: SimulatedClock, show: (@Sendable (String) -> Void)? = nil) {
        self.clock = clock
        self.show = show
    }

    func note(_ what: String) {
        let elapsed = clock.elapsed
        let number = state.withLock { state in
            // FNV-1a.
            state.hash = (state.hash ^ UInt64(bitPattern: elapsed)) &* 0x100_0000_01B3
            for byte in what.utf8 { state.hash = (state.hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
            state.lines += 1
            return state.lines
        }
        guard let show else { return }
        let seconds = elapsed / 1_000_000
        let micros = String(elapsed % 1_000_000 + 1_000_000).dropFirst()
        show("\(number)  \(seconds).\(micros)  \(what)")
    }

    public var hash: String { String(state.withLock { $0.hash }, radix: 16) }
    public var lines: Int { state.withLock { $0.lines } }
}
