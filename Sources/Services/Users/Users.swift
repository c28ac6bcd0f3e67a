import Contracts
public import Logging
public import Messaging
public import PostgreSQL
public import Redis
import Runtime
public import Secrets

/// Users: accounts, their passwords, and their sessions.
public enum UsersService {
    public static let name = "users"
    public static let migrations = Inbox.migrations + Schema.migrations
    /// The queues of sealed requests that contain a password: kept separate, so that their bodies are never stored in plaintext. Sign-ups have their own
    /// queue, so that any number of them delays no sign-in.
    public static let credentialsQueues = ["users.credentials", "users.registrations"]

    /// - Parameters:
    ///   - attempts: counts failed sign-ins across all processes. Without it, and while it is unavailable, each process counts for itself.
    ///   - hashingThreads: passwords hashed at once in this process for sign-ins, and as many for sign-ups; each takes a core for some 400 ms, and 128 MiB.
    ///   - sealing: the key with which senders seal credentials; nil where credentials arrive in plaintext.
    ///   - passwords: the work factors of new hashes. Weaker ones are renewed when their owners sign in.
    public static func definition(
        ask: @escaping RequestClient.Ask, clock: any WallClock, randomness: any Randomness, attempts: (any KeyValueStore)?,
        sealing: @escaping @Sendable () -> SealingKey? = { nil }, hashingThreads: Int = PasswordThreads.standardCount, passwords: PasswordHash.Parameters = .standard, logger: Logger
    ) -> ServiceDefinition {
        let throttle = SignInThrottle(store: attempts, clock: clock, logger: logger)
        let links = Links(clock: clock, randomness: randomness)
        // Sign-ups and operations that need a password have separate threads, so that neither waits for the other.
        let threads = PasswordThreads(count: hashingThreads)
        let verifying = PasswordVerifying(clock: clock, threads: threads, throttle: throttle, passwords: passwords)
        let accounts = Accounts(
            clock: clock, randomness: randomness, threads: PasswordThreads(count: hashingThreads), throttle: throttle, passwords: passwords, links: links)
        let signingIn = SigningIn(clock: clock, randomness: randomness, verifying: verifying)
        let changing = Passwords(links: links, clock: clock, threads: threads, verifying: verifying, passwords: passwords)
        let resets = PasswordResets(links: links, clock: clock, threads: threads, throttle: throttle, passwords: passwords)
        return ServiceDefinition(
            name: name,
            operations: [
                .findInInbox(of: name),
                .external(
                    "users.accounts.create", reading: NewAccount.read, prepare: accounts.findTaken, perform: accounts.hash,
                    complete: accounts.create
                ).fingerprinted(by: "email", "name"),
                .external(
                    "users.sessions.create", reading: Credentials.read, prepare: signingIn.findAccounts,
                    perform: signingIn.verify, complete: signingIn.begin
                ).fingerprinted(by: "email"),
                .external(
                    "users.password.change", reading: PasswordChange.read, prepare: changing.findAccounts, perform: changing.verify,
                    complete: changing.change
                ).fingerprinted(),
                .external(
                    "users.email.change", reading: EmailChange.read, prepare: changing.findAccounts, perform: changing.verify,
                    complete: changing.changeEmail
                ).fingerprinted(by: "email"),
                .external(
                    "users.passwordResets.confirm", reading: NewPassword.read, prepare: resets.find, perform: resets.hash,
                    complete: resets.confirm
                ).fingerprinted(),
                .command("users.passwordResets.create", reading: ResetRequest.read, lookup: { items, _ in try await resets.admit(items) }, handle: resets.create),
                .query(
                    MessageName.sealingKey, reading: Operation.contract(GetSealingKey.self),
                    handle: { items, _ in try items.map { _ in .done(try sealing().map(Self.given) ?? Reply(.notFound("Credentials are not sealed here."))) } }),
            ] + sessions(Sessions(clock: clock)) + profiles(links, resets, clock, randomness) + leaving(ask, clock, randomness),
            pollers: [Poller(name: "erasures without an answer", interval: Leaving.interval, find: Leaving(clock: clock).findUnanswered)],
            queues: ["users.queries", "users.commands"] + credentialsQueues,
            routes: [
                "users.accounts.create": "users.registrations", "users.sessions.create": "users.credentials", "users.password.change": "users.credentials",
                "users.email.change": "users.credentials", "users.passwordResets.confirm": "users.credentials",
            ], sensitiveQueues: Set(credentialsQueues),
            sends: [MessageName.accountMail, MessageName.preparePasswordReset, MessageName.setPreferences] + Leaving.messages.values.sorted(),
            asks: [MessageName.exportFromCarts, MessageName.exportFromOrders, MessageName.exportFromNotifications, MessageName.exportFromPayments],
            announces: [MessageName.sessionRevoked])
    }

    private static func given(_ key: SealingKey) throws -> Reply {
        var reply = try Reply(json: GivenSealingKey(key: Hex.encode(key.bytes)))
        reply.isPrivate = true
        return reply
    }

    private static func sessions(_ sessions: Sessions) -> [Operation] {
        [
            .query("users.sessions.list", reading: ListSessions.read, handle: sessions.list),
            .query(MessageName.resolveSession, reading: Operation.contract(ResolveSession.self), handle: sessions.resolve),
            .command("users.sessions.deleteCurrent", reading: CurrentSession.read, handle: sessions.endCurrent),
            .command("users.sessions.deleteAll", reading: Own.read, handle: sessions.endAll),
            .command("users.sessions.delete", transaction: .own, reading: OwnSession.read, handle: sessions.end),
        ]
    }

    private static func leaving(_ ask: @escaping RequestClient.Ask, _ clock: any WallClock, _ randomness: any Randomness) -> [Operation] {
        let leaving = Leaving(clock: clock)
        return [
            .compositeQuery("users.me.export", reading: Own.read, answer: Export(ask: ask, clock: clock, randomness: randomness).export),
            .command("users.me.delete", transaction: .own, reading: Own.read, handle: leaving.delete),
            .command(MessageName.customerErased, transaction: .own, reading: Operation.contract(CustomerErased.self), handle: leaving.advance),
        ]
    }

    /// They lock accounts, each kind in an order of its own.
    private static func profiles(_ links: Links, _ resets: PasswordResets, _ clock: any WallClock, _ randomness: any Randomness) -> [Operation] {
        let profile = Profile()
        let verifications = EmailVerifications(links: links, clock: clock)
        let addresses = Addresses(clock: clock, randomness: randomness)
        let administration = AccountAdministration()
        return [
            .query("users.me.get", reading: Own.read, handle: profile.get),
            .command("users.me.update", transaction: .own, reading: ProfileChange.read, handle: profile.update),
            .command("users.emailVerifications.create", transaction: .own, reading: Own.read, handle: verifications.create),
            .command("users.emailVerifications.confirm", transaction: .own, reading: LinkToken.read, handle: verifications.confirm),
            .command(MessageName.preparePasswordReset, transaction: .own, reading: Operation.contract(PreparePasswordReset.self), handle: resets.prepare),
            .command(MessageName.armLink, transaction: .own, reading: ArmedLink.read, handle: links.arm),
            .query("users.addresses.list", reading: ListAddresses.read, handle: addresses.list),
            .query("users.addresses.get", reading: OwnAddress.read, handle: addresses.get),
            .command("users.addresses.create", transaction: .own, reading: NewAddress.read, handle: addresses.create),
            .command("users.addresses.replace", transaction: .own, reading: ReplacedAddress.read, handle: addresses.replace),
            .command("users.addresses.delete", transaction: .own, reading: OwnAddress.read, handle: addresses.delete),
            .query("users.accounts.list", reading: ListAccounts.read, handle: administration.list),
            .query("users.accounts.get", reading: GetAccount.read, handle: administration.get),
            .command("users.accounts.update", transaction: .own, reading: AccountChange.read, handle: administration.update),
        ]
    }
}
