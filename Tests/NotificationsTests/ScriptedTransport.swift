import Contracts
import FoundationEssentials
import Notifications
import Synchronization

/// Accepts mail, and refuses the recipients that a test names.
final class ScriptedTransport: MailTransport {
    private struct State {
        var sent: [Mail] = []
        var failing: [String: DeliveryError] = [:]
        var running = 0
        var mostRunning = 0
        var company = 0
    }

    /// In steps of 10 ms: then a mail leaves without its company.
    private static let longestWait = 1_000

    private let state = Mutex(State())

    var sent: [Mail] { state.withLock { $0.sent } }
    var mostRunning: Int { state.withLock { $0.mostRunning } }

    func fail(_ recipient: String, with error: DeliveryError?) {
        state.withLock { $0.failing[recipient] = error }
    }

    /// From now on no mail leaves before `count` of them have been under way at once.
    func awaitCompany(of count: Int) { state.withLock { $0.company = count } }

    func send(_ mail: Mail) async throws(DeliveryError) {
        state.withLock {
            $0.running += 1
            $0.mostRunning = max($0.mostRunning, $0.running)
        }
        for _ in 0..<Self.longestWait {
            if state.withLock({ $0.mostRunning >= $0.company }) { break }
            try? await Task.sleep(for: .milliseconds(10))
        }
        let error = state.withLock { state -> DeliveryError? in
            state.running -= 1
            if let error = state.failing[mail.recipient.address] { return error }
            state.sent.append(mail)
            return nil
        }
        if let error { throw error }
    }
}
