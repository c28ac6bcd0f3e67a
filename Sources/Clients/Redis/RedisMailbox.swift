import IOThreads
import Synchronization

/// Where tasks hand their commands to the I/O thread, and fail at once when the connection is down.
final class RedisMailbox: Sendable {
    enum Availability: Sendable, Equatable {
        /// The first attempt to connect is under way: nothing is known to be wrong, so commands wait for it.
        case untried
        case ready
        case away(RedisError)
        case closed(RedisError)
    }

    struct Mail {
        var commands: [PendingCommand]
        var lookup: HostLookup.Outcome?
    }

    private struct State {
        var availability = Availability.untried
        var commands: [PendingCommand] = []
        var lookup: HostLookup.Outcome?
        /// Commands that were accepted and have no outcome yet.
        var inFlight = 0
        var isWoken = false
    }

    private let maximumInFlight: Int
    private let wakeUp: WakeUp
    private let state = Mutex(State())

    init(maximumInFlight: Int, wakeUp: WakeUp) {
        self.maximumInFlight = maximumInFlight
        self.wakeUp = wakeUp
    }

    // MARK: For tasks

    /// Nil when the command was accepted; it is settled later, exactly once.
    func submit(_ command: PendingCommand) -> RedisError? {
        state.withLock { state in
            switch state.availability {
            case .away(let error), .closed(let error): return error
            case .untried, .ready: break
            }
            guard state.inFlight < maximumInFlight else {
                return RedisError(code: .overloaded, message: "\(maximumInFlight) Redis commands are under way already")
            }
            state.inFlight += 1
            state.commands.append(command)
            wake(&state)
            return nil
        }
    }

    /// The thread finds out, fails what is left, and ends.
    func close(_ reason: RedisError) {
        state.withLock { state in
            state.availability = .closed(reason)
            wake(&state)
        }
    }

    func deliver(_ lookup: HostLookup.Outcome) {
        state.withLock { state in
            state.lookup = lookup
            wake(&state)
        }
    }

    // MARK: For the thread

    /// Nil once the mailbox is closed.
    func take() -> Mail? {
        wakeUp.clear()
        return state.withLock { state in
            if case .closed = state.availability { return nil }
            defer {
                state.commands = []
                state.lookup = nil
            }
            state.isWoken = false
            return Mail(commands: state.commands, lookup: state.lookup)
        }
    }

    func becomeReady() {
        state.withLock { state in
            if case .closed = state.availability { return }
            state.availability = .ready
        }
    }

    /// From now on commands fail with this error; answers those that were accepted and not taken yet.
    func becomeAway(_ error: RedisError) -> [PendingCommand] {
        state.withLock { state in
            defer { state.commands = [] }
            if case .closed = state.availability { return state.commands }
            state.availability = .away(error)
            return state.commands
        }
    }

    /// Makes room first, so that the resumed callers find it.
    func settle(_ settled: [(command: PendingCommand, outcome: PendingCommand.Outcome)]) {
        guard !settled.isEmpty else { return }
        state.withLock { $0.inFlight -= settled.count }
        for (command, outcome) in settled { command.settle(outcome) }
    }

    private func wake(_ state: inout State) {
        guard !state.isWoken else { return }
        state.isWoken = true
        wakeUp.signal()
    }
}
