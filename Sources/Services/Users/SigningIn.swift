import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Secrets

/// A password is shown, a session begins. Whoever cannot sign in is told neither why nor, by the time it takes, whether the account exists.
struct SigningIn: Sendable {
    static let lifetime: TimeInterval = 30 * 86_400

    let clock: any WallClock
    let randomness: any Randomness
    let threads: PasswordThreads
    let throttle: SignInThrottle?

    enum Verdict: Sendable {
        case genuine
        case wrong
        case tooMany(retryAfter: Int)
        /// Nobody waits for the answer any more, so nothing was verified.
        case late
    }

    /// Stands in for the hash of accounts that do not exist, so that they take as long as others.
    private static let nobodysHash = (try? PasswordHash.hash(SecureRandom.token())) ?? ""

    func findAccounts(_ items: [Item<Credentials>], on transaction: any SQLConnection) async throws -> [AccountRow?] {
        let accounts = try await Store.accounts(byEmail: items.map(\.input.emailKey), on: transaction)
        return items.map { accounts[$0.input.emailKey] }
    }

    func verify(_ prepared: [(item: Item<Credentials>, plan: AccountRow?)]) async throws -> [Verdict] {
        let keys = prepared.map(\.item.input.emailKey)
        let waits = await throttle?.admit(keys) ?? keys.map { _ in nil }
        let verdicts = await threads.map(Array(zip(prepared, waits))) { [clock] entry, wait -> Verdict in
            if let wait { return .tooMany(retryAfter: wait) }
            if let deadline = entry.item.request.deadline, deadline < clock.now() { return .late }
            let isRight = PasswordHash.verify(entry.item.input.password, against: entry.plan?.passwordHash ?? Self.nobodysHash)
            return isRight && entry.plan?.disabled == false ? .genuine : .wrong
        }
        await throttle?.clear(zip(keys, verdicts).compactMap { if case .genuine = $1 { $0 } else { nil } })
        return verdicts
    }

    func begin(
        _ performed: [(item: Item<Credentials>, plan: AccountRow?, result: Verdict)], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        let now = clock.now()
        let expiresAt = now.addingTimeInterval(Self.lifetime)
        let sessions: [NewSession?] = performed.map { entry in
            guard case .genuine = entry.result, let account = entry.plan else { return nil }
            return NewSession(id: randomness.uuid(), token: SecureRandom.token(), account: account)
        }
        let begun = try await Store.begin(sessions.compactMap(\.self), now: now, expiresAt: expiresAt, on: transaction)
        return try zip(performed, sessions).map { entry, session in
            switch entry.result {
            case .tooMany(let seconds):
                return .done(Reply(.tooManyAttempts, headers: ["retry-after": "\(seconds)"]))
            case .late:
                return .refused(.unavailable("The request waited too long for its turn."))
            case .wrong, .genuine:
                guard let session, begun.contains(session.id) else {
                    return .done(Reply(.invalidCredentials, headers: ["www-authenticate": "Bearer"]))
                }
                let view = NewSessionView(token: session.token, expiresAt: expiresAt, user: session.account.view)
                var reply = try Reply(status: 201, headers: ["cache-control": "no-store"], json: view)
                reply.isPrivate = true
                return .done(reply)
            }
        }
    }
}

extension Problem {
    static let invalidCredentials = Problem(
        "invalid-credentials", title: "Wrong e-mail address or password", status: 401,
        detail: "There is no account with this e-mail address and this password.")
    static let tooManyAttempts = Problem(
        "too-many-attempts", title: "Too many attempts", status: 429,
        detail: "Signing in to this account has failed too often; try again later.")
}
