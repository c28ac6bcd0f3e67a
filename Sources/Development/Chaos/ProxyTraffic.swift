import Synchronization

/// How a proxy treats what passes through it, changed while connections are open.
final class ProxyTraffic: Sendable {
    enum Mode: Sendable, Equatable {
        case open
        /// Each piece of data is delayed by this long.
        case slow(Duration)
        /// Data waits until the mode changes.
        case silent
        /// Every connection is ended.
        case cut
        /// Every second answer to a COMMIT of PostgreSQL's ends its connection instead of passing. Such an answer is taken to come in one piece.
        case unansweredCommits
    }

    /// How a connection is ended from outside.
    enum Ending: Sendable {
        case close, reset
    }

    private struct State {
        var mode = Mode.open
        /// Answers to COMMIT since that mode began.
        var commits = 0
        /// Waiters for another mode.
        var waiting: [AsyncStream<Never>.Continuation] = []
        /// One for each connection.
        var connections: [Int: AsyncStream<Ending>.Continuation] = [:]
        var lastConnection = 0
    }

    private let state = Mutex(State())

    func enter(_ mode: Mode) {
        let (waiting, ended) = state.withLock { state in
            state.mode = mode
            state.commits = 0
            defer { state.waiting = [] }
            return (state.waiting, mode == .cut ? Array(state.connections.values) : [])
        }
        for waiter in waiting { waiter.finish() }
        for connection in ended { connection.yield(.close) }
    }

    /// Ends all connections by a reset; new ones are accepted.
    func resetAll() {
        for connection in state.withLock({ Array($0.connections.values) }) { connection.yield(.reset) }
    }

    /// Returns when received data may be forwarded.
    /// - Throws: ``Cut``, `CancellationError`.
    func pass() async throws {
        while true {
            switch state.withLock({ $0.mode }) {
            case .open, .unansweredCommits: return
            case .slow(let latency): return try await Task.sleep(for: latency)
            case .cut: throw Cut()
            case .silent: try await change(from: .silent)
            }
        }
    }

    /// Returns when data from a server may be forwarded.
    /// - Throws: as ``pass()``.
    func pass(answer: some Collection<UInt8>) async throws {
        try await pass()
        let isLost = state.withLock { state in
            guard state.mode == .unansweredCommits, answer.contains(Self.committed) else { return false }
            state.commits += 1
            return !state.commits.isMultiple(of: 2)
        }
        if isLost { throw Cut() }
    }

    /// PostgreSQL's message CommandComplete: a letter, a length and the command.
    private static let committed = [UInt8(ascii: "C"), 0, 0, 0, 11] + Array("COMMIT".utf8) + [0]

    /// Returns when a connection is to be ended, or when its task is cancelled.
    func end() async -> Ending {
        let (endings, continuation) = AsyncStream<Ending>.makeStream()
        let number = state.withLock { state in
            state.lastConnection += 1
            state.connections[state.lastConnection] = continuation
            return state.lastConnection
        }
        defer { state.withLock { _ = $0.connections.removeValue(forKey: number) } }
        for await ending in endings { return ending }
        return .close
    }

    private func change(from mode: Mode) async throws {
        let (never, continuation) = AsyncStream<Never>.makeStream()
        let isOver = state.withLock { state in
            guard state.mode == mode else { return true }
            state.waiting.append(continuation)
            return false
        }
        if isOver { return }
        for await _ in never {}
        try Task.checkCancellation()
    }

    struct Cut: Error {}
}
