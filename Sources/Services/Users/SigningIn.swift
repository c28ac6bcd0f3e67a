import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// Exchanges a password for a session. A failed sign-in reveals neither its reason nor, by the time it takes, whether the account exists.
struct SigningIn: Sendable {
    static let lifetime: TimeInterval = 30 * 86_400

    typealias Verdict = PasswordVerifying.Verdict

    let clock: any WallClock
    let randomness: any Randomness
    let verifying: PasswordVerifying

    func findAccounts(_ items: [IncomingMessage<Credentials>], on transaction: any SQLConnection) async throws -> [AccountRow?] {
        let accounts = try await Store.accounts(byEmail: items.map(\.input.emailKey), on: transaction)
        return items.map { accounts[$0.input.emailKey] }
    }

    func verify(_ prepared: [(item: IncomingMessage<Credentials>, plan: AccountRow?)]) async throws -> [Verdict] {
        await verifying.verify(
            prepared.map { item, account in
                PasswordVerifying.Claim(request: item.request, emailKey: item.input.emailKey, password: item.input.password, account: account)
            })
    }

    func begin(
        _ performed: [(item: IncomingMessage<Credentials>, plan: AccountRow?, result: Verdict)], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        let now = clock.now()
        let expiresAt = now.addingTimeInterval(Self.lifetime)
        let sessions: [NewSession?] = performed.map { entry in
            guard case .genuine = entry.result, let account = entry.plan else { return nil }
            let parameters = entry.item.request.parameters
            return NewSession(
                id: randomness.uuid(), token: SecureRandom.token(), account: account, address: parameters[Request.clientAddress],
                agent: parameters[Request.clientAgent])
        }
        let begun = try await Store.begin(sessions.compactMap(\.self), now: now, expiresAt: expiresAt, on: transaction)
        try await Store.renew(
            performed.compactMap { entry in
                guard case .genuine(let renewed?) = entry.result, let account = entry.plan else { return nil }
                return (account, renewed)
            }, on: transaction)
        return try zip(performed, sessions).map { entry, session in
            if let outcome = Outcome(unlookedAt: entry.result) { return outcome }
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

extension Problem {
    static let invalidCredentials = Problem(
        "invalid-credentials", title: "Wrong e-mail address or password", status: 401,
        detail: "There is no account with this e-mail address and this password.")
}
