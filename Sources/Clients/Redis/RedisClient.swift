import IOThreads
import Logging

/// One connection to Redis that any number of tasks share: commands are pipelined, none waits for another's reply.
///
/// - A command never takes longer than `commandTimeout`, whatever happens, and so is not cut short by cancellation.
/// - While Redis is away a command fails at once. Only during the very first attempt to connect do commands wait for it.
/// - The connection is opened in the background, now and whenever it is lost: after 50 ms, then ever more slowly up to every
///   2 s.
/// - A command that times out ends the connection, because everything behind it waits as well.
/// - Replies are matched to commands by their order, so a command that would change the connection for every caller, or block
///   it, is refused with ``RedisError/Code/unsupported``: no SUBSCRIBE, MULTI, BLPOP. What must be atomic goes into an EVAL.
///
/// Close it with ``shutdown()``, or by releasing it.
public final class RedisClient: KeyValueStore {
    /// The most bytes that the arguments of one command may have: 8 MiB.
    public static let maximumCommandBytes = 8 << 20

    private let mailbox: RedisMailbox
    private let commandTimeout: Duration

    /// - Parameters:
    ///   - url: `redis://` or `rediss://`, as ``RedisAddress`` reads it.
    ///   - renewing: Provides the URL for each new connection, if its user and password may change; the rest of it is ignored. nil to keep `url`.
    ///   - maximumInFlight: How many commands may be without a reply; beyond that a command fails at once with
    ///     ``RedisError/Code/overloaded``.
    ///   - commandTimeout: How long a command may take, from the call to the reply.
    ///   - connectTimeout: How long an attempt to connect may take: name, connection and password.
    ///
    /// Throws ``RedisError`` of code `invalidURL`. Redis being unreachable is not an error here.
    public init(
        url: String,
        renewing: (@Sendable () -> String)? = nil,
        maximumInFlight: Int = 1000,
        commandTimeout: Duration = .seconds(1),
        connectTimeout: Duration = .seconds(1),
        logger: Logger
    ) throws(RedisError) {
        let settings = RedisEngine.Settings(address: try RedisAddress(url), renewing: renewing, connectTimeout: connectTimeout, logger: logger)
        guard let wakeUp = WakeUp() else {
            throw RedisError(code: .failed, message: "The system gives the Redis client no file descriptor")
        }
        let mailbox = RedisMailbox(maximumInFlight: maximumInFlight, wakeUp: wakeUp)
        guard startThread(named: "redis", { RedisEngine(settings, mailbox: mailbox, wakeUp: wakeUp).run() }) else {
            throw RedisError(code: .failed, message: "The system gives the Redis client no thread")
        }
        self.mailbox = mailbox
        self.commandTimeout = commandTimeout
    }

    deinit {
        shutdown()
    }

    public func command(_ arguments: [String]) async throws(RedisError) -> RedisValue {
        try RedisCommand.validate(arguments)
        let bytes = RedisCommand.encode(arguments)
        let deadline = ContinuousClock.now + commandTimeout
        let outcome: PendingCommand.Outcome = await withCheckedContinuation { continuation in
            let command = PendingCommand(bytes: bytes, deadline: deadline) { continuation.resume(returning: $0) }
            if let refusal = mailbox.submit(command) { command.settle(.failure(refusal)) }
        }
        return try outcome.get()
    }

    /// Fails commands under way, and all later ones, with ``RedisError/Code/shutDown``. Returns at once; may be
    /// called again.
    public func shutdown() {
        mailbox.close(RedisError(code: .shutDown, message: "The Redis client has been shut down"))
    }
}
