import Contracts
import FoundationEssentials
import Notifications
import Synchronization

/// Accepts mail, and refuses the recipients that a test names.
final class ScriptedTransport: MailTransport {
    private struct State {
        var sent: [Mail] = []
        var failing: [String: MailError] = [:]
        var running = 0
        var mostRunning = 0
    }

    private let state = Mutex(State())

    var sent: [Mail] { state.withLock { $0.sent } }
    var mostRunning: Int { state.withLock { $0.mostRunning } }

    func fail(_ recipient: String, with error: MailError?) {
        state.withLock { $0.failing[recipient] = error }
    }

    func send(_ mail: Mail) async throws(MailError) {
        state.withLock {
            $0.running += 1
            $0.mostRunning = max($0.mostRunning, $0.running)
        }
        // Until a second one is under way, which may take a while on a busy machine, and does not happen where there is one mail alone.
        for _ in 0..<1_000 where state.withLock({ $0.mostRunning < 2 }) { await Task.yield() }
        let error = state.withLock { state -> MailError? in
            state.running -= 1
            if let error = state.failing[mail.recipient.address] { return error }
            state.sent.append(mail)
            return nil
        }
        if let error { throw error }
    }
}
