import Logging
import Messaging
import Redis
import Runtime
import Synchronization

/// Slows password guessing by ``SignInLimits``: counted for all processes together in Redis, and in each process for when Redis is unavailable.
///
/// A user who has signed in to an account from a network is counted there by account and network alone: attempts by strangers elsewhere cannot lock the
/// owner out there.
struct SignInThrottle: Sendable {
    let store: (any KeyValueStore)?
    let clock: any WallClock
    let logger: Logger
    private let own = Ledger()

    private final class Ledger: Sendable {
        let state = Mutex(SignInLedger())
    }

    init(store: (any KeyValueStore)?, clock: any WallClock, logger: Logger) {
        self.store = store
        self.clock = clock
        self.logger = logger
    }

    /// For each attempt, whether its password may be verified now. Admitted attempts must be settled.
    func admit(_ attempts: [SignInAttempt]) async -> [SignInAdmission] {
        if attempts.isEmpty { return [] }
        let bounds = [SignInLimits.windowSeconds, SignInLimits.holdSeconds, SignInLimits.pair, SignInLimits.account, SignInLimits.network]
        let answer = await ask(SignInScript.admit, attempts, bounds) { _ in [] }
        if case .array(let values)? = answer, values.count == attempts.count {
            return values.map { value in
                switch value.number {
                case 0?: .admitted
                case let seconds? where seconds > 0: .refused(retryAfter: Int(clamping: seconds))
                default: .busy
                }
            }
        }
        let now = clock.now()
        return own.state.withLock { ledger in attempts.map { ledger.admit($0, at: now) } }
    }

    /// Counts attempts with a wrong password, and remembers the networks of the others. Nil for a password that was not verified after all.
    func settle(_ settled: [(attempt: SignInAttempt, isRight: Bool?)]) async {
        if settled.isEmpty { return }
        let now = clock.now()
        // Counted here in any case, so that the counts do not restart when Redis becomes unavailable.
        own.state.withLock { ledger in
            for (attempt, isRight) in settled { ledger.settle(attempt, isRight: isRight, at: now) }
        }
        let bounds = [SignInLimits.windowSeconds, SignInLimits.knownSeconds, SignInLimits.known]
        _ = await ask(SignInScript.settle, settled.map(\.attempt), bounds) { index in
            [settled[index].isRight.map { $0 ? "right" : "wrong" } ?? "unknown"]
        }
    }

    private func ask(
        _ script: String, _ attempts: [SignInAttempt], _ bounds: [Int], _ more: (Int) -> [String]
    ) async -> RedisValue? {
        guard let store else { return nil }
        let keys = attempts.flatMap { attempt in
            [Self.key("pair", attempt.pair), Self.key("account", attempt.account), Self.key("network", attempt.network ?? ""), Self.key("known", attempt.account)]
        }
        let arguments = attempts.enumerated().flatMap { index, attempt in
            [attempt.id, attempt.pair, attempt.network == nil ? "0" : "1"] + more(index)
        }
        do {
            return try await store.command(["EVAL", script, "\(keys.count)"] + keys + bounds.map(String.init) + arguments)
        } catch {
            logger.info("sign-in attempts are counted in this process alone", metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// The braces keep all keys in one slot of a cluster.
    private static func key(_ kind: String, _ name: String) -> String {
        "wharf:{sign-in}:\(kind):\(name)"
    }
}
