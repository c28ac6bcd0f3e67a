import Contracts
public import Logging
public import Messaging
public import PostgreSQL
public import Redis
public import Secrets

/// Users: accounts, their passwords, and the sessions that stand for them.
public enum UsersService {
    public static let name = "users"
    public static let migrations = Inbox.migrations + Schema.migrations
    /// Where requests with a password in them arrive, sealed: kept apart, so that nothing writes their bodies down in clear. Sign-ups have a queue of their own, so that
    /// any number of them delays no sign-in.
    public static let credentialsQueues = ["users.credentials", "users.registrations"]

    /// - Parameters:
    ///   - attempts: counts failed sign-ins across all processes. Without it, and while it is away, each process counts for itself.
    ///   - hashingThreads: passwords hashed at once in this process for sign-ins, and as many for sign-ups; each takes a core for some 400 ms, and 128 MiB.
    ///   - sealing: the key with which those who send credentials seal them; nil where they come in clear.
    ///   - passwords: the work of new hashes. Weaker ones are made anew when their owners sign in.
    public static func definition(
        clock: any WallClock, randomness: any Randomness, attempts: (any KeyValueStore)?,
        sealing: SealingKey? = nil, hashingThreads: Int = PasswordThreads.standardCount, passwords: PasswordHash.Parameters = .standard, logger: Logger
    ) -> ServiceDefinition {
        let throttle = SignInThrottle(store: attempts, clock: clock, logger: logger)
        let accounts = Accounts(
            clock: clock, randomness: randomness, threads: PasswordThreads(count: hashingThreads), throttle: throttle, passwords: passwords)
        let signingIn = SigningIn(
            clock: clock, randomness: randomness, threads: PasswordThreads(count: hashingThreads), throttle: throttle, passwords: passwords)
        let sessions = Sessions(clock: clock)
        return ServiceDefinition(
            name: name,
            operations: [
                .external(
                    "users.accounts.create", reading: NewAccount.read, prepare: accounts.findTaken, perform: accounts.hash,
                    complete: accounts.create
                ).fingerprinted(by: "email", "name"),
                .external(
                    "users.sessions.create", reading: Credentials.read, prepare: signingIn.findAccounts,
                    perform: signingIn.verify, complete: signingIn.begin
                ).fingerprinted(by: "email"),
                .query("users.sessions.list", reading: ListSessions.read, handle: sessions.list),
                .query(MessageName.resolveSession, reading: Operation.contract(ResolveSession.self), handle: sessions.resolve),
                .query(MessageName.sealingKey, reading: Operation.contract(GetSealingKey.self)) { items, _ in
                    try items.map { _ in .done(try sealing.map(Self.given) ?? Reply(.notFound("Credentials are not sealed here."))) }
                },
                .command("users.sessions.deleteCurrent", reading: CurrentSession.read, handle: sessions.endCurrent),
                .command("users.sessions.deleteAll", reading: Own.read, handle: sessions.endAll),
                .query("users.me.get", reading: Own.read, handle: accounts.get),
            ],
            queues: ["users.queries", "users.commands"] + credentialsQueues, sensitiveQueues: Set(credentialsQueues))
    }
    private static func given(_ key: SealingKey) throws -> Reply {
        var reply = try Reply(json: GivenSealingKey(key: Hex.encode(key.bytes)))
        reply.isPrivate = true
        return reply
    }
}
