import Contracts
public import Logging
public import Messaging
public import PostgreSQL
public import Redis

/// Users: accounts, their passwords, and the sessions that stand for them.
public enum UsersService {
    public static let name = "users"
    public static let migrations = Inbox.migrations + Schema.migrations
    /// Where requests with a password in them arrive: kept apart, so that nothing writes their bodies down. Sign-ups have a queue of their own, so that
    /// any number of them delays no sign-in.
    public static let credentialsQueues = ["users.credentials", "users.registrations"]

    /// - Parameters:
    ///   - attempts: counts failed sign-ins across all processes. Without it, and while it is away, they are not limited.
    ///   - hashingThreads: passwords hashed at once in this process; each takes a core for some 80 ms, and 32 MiB.
    public static func definition(
        clock: any WallClock, randomness: any Randomness, attempts: (any KeyValueStore)?,
        hashingThreads: Int = PasswordThreads.standardCount, logger: Logger
    ) -> ServiceDefinition {
        let threads = PasswordThreads(count: hashingThreads)
        let accounts = Accounts(clock: clock, randomness: randomness, threads: threads)
        let signingIn = SigningIn(
            clock: clock, randomness: randomness, threads: threads,
            throttle: attempts.map { SignInThrottle(store: $0, logger: logger) })
        let sessions = Sessions(clock: clock)
        return ServiceDefinition(
            name: name,
            operations: [
                .external(
                    "users.accounts.create", reading: NewAccount.read, prepare: accounts.findTaken, perform: accounts.hash,
                    complete: accounts.create),
                .external(
                    "users.sessions.create", reading: Credentials.read, prepare: signingIn.findAccounts,
                    perform: signingIn.verify, complete: signingIn.begin),
                .query("users.sessions.list", reading: ListSessions.read, handle: sessions.list),
                .query(MessageName.resolveSession, reading: Operation.contract(ResolveSession.self), handle: sessions.resolve),
                .command("users.sessions.deleteCurrent", reading: CurrentSession.read, handle: sessions.endCurrent),
                .command("users.sessions.deleteAll", reading: Own.read, handle: sessions.endAll),
                .query("users.me.get", reading: Own.read, handle: accounts.get),
            ],
            queues: ["users.queries", "users.commands"] + credentialsQueues, sensitiveQueues: Set(credentialsQueues))
    }
}
