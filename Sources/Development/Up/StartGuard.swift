import LocalState
import Synchronization
import Terminal

/// Gives up a start in which a process ends again and again. Once everything is ready nothing is given up.
final class StartGuard: Sendable {
    static let maximumEnds = 3
    private static let quotedLines = 5

    private struct State {
        var ends: [String: Int] = [:]
        var failure: UpError?
        var isSettled = false
    }

    private let state = Mutex(State())

    /// - Parameter isHopeless: whether another start can only end the same way, because a setting is wrong.
    func ended(_ name: String, _ trouble: String, isHopeless: Bool = false, log: LogFile) {
        state.withLock { state in
            guard !state.isSettled else { return }
            state.ends[name, default: 0] += 1
            let ends = state.ends[name, default: 0]
            guard state.failure == nil, isHopeless || ends >= Self.maximumEnds else { return }
            let quote = log.lastLines(Self.quotedLines).map { "  \($0)" }.joined(separator: "\n")
            state.failure = UpError(
                isHopeless ? .settings : .start, "\(name) \(trouble)\(ends > 1 ? ", \(ends) times" : "").", advice: "The end of \(log.path):\n\(quote)")
        }
    }

    /// From here on every process may end any number of times.
    func settle() {
        state.withLock { $0.isSettled = true }
    }

    /// - Throws: ``UpError`` with code `start`, or `settings`, when the start is given up.
    func check() throws {
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }
}
