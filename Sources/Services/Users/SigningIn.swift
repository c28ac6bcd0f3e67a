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
    let throttle: SignInThrottle
    let passwords: PasswordHash.Parameters

    /// Between two looks at whether attempts of the same account that are under way elsewhere have been settled.
    static let pause: Duration = .milliseconds(50)
    /// Then it is too late, whatever the deadline: 10 s.
    static let maximumPauses = 200

    enum Verdict: Sendable {
        /// With a stronger hash of the same password, where the stored one is weaker than those that are made today.
        case genuine(renewed: String?)
        case wrong
        case tooMany(retryAfter: Int)
        /// Nobody waits for the answer any more, so nothing was verified.
        case late

        /// Nil when the password was not looked at.
        var isRight: Bool? {
            switch self {
            case .genuine: true
            case .wrong: false
            case .tooMany, .late: nil
            }
        }
    }

    func findAccounts(_ items: [Item<Credentials>], on transaction: any SQLConnection) async throws -> [AccountRow?] {
        let accounts = try await Store.accounts(byEmail: items.map(\.input.emailKey), on: transaction)
        return items.map { accounts[$0.input.emailKey] }
    }

    func verify(_ prepared: [(item: Item<Credentials>, plan: AccountRow?)]) async throws -> [Verdict] {
        var verdicts = [Verdict](repeating: .late, count: prepared.count)
        let attempts = prepared.map { SignInAttempt($0.item.request, emailKey: $0.item.input.emailKey) }
        var open = Array(prepared.indices)
        var pauses = 0
        while !open.isEmpty {
            var admitted: [Int] = []
            var waiting: [Int] = []
            for (index, admission) in zip(open, await throttle.admit(open.map { attempts[$0] })) {
                switch admission {
                case .admitted: admitted.append(index)
                case .refused(let seconds): verdicts[index] = .tooMany(retryAfter: seconds)
                case .busy: if !isLate(prepared[index].item.request) { waiting.append(index) }
                }
            }
            let found = await threads.map(admitted.map { prepared[$0] }) { verdict(on: $0.item, $0.plan) }
            for (index, verdict) in zip(admitted, found) { verdicts[index] = verdict }
            await throttle.settle(zip(admitted, found).map { (attempts[$0], $1.isRight) })
            open = waiting
            if admitted.isEmpty, !open.isEmpty {
                pauses += 1
                guard pauses <= Self.maximumPauses, (try? await clock.sleep(for: Self.pause)) != nil else { break }
            }
        }
        return verdicts
    }

    private func isLate(_ request: Request) -> Bool {
        request.deadline.map { $0 < clock.now() } ?? false
    }

    private func verdict(on item: Item<Credentials>, _ account: AccountRow?) -> Verdict {
        if isLate(item.request) { return .late }
        // Accounts that do not exist take as long as others.
        guard let hash = account?.passwordHash ?? (try? PasswordHash.ofNobody(passwords)) else { return .late }
        let isRight = PasswordHash.verify(item.input.password, against: hash) && account?.disabled == false
        // Made for a wrong password as well, or the time would tell an account whose hash is old.
        let renewed = PasswordHash.isOutdated(hash, by: passwords) ? try? PasswordHash.hash(item.input.password, passwords) : nil
        return isRight ? .genuine(renewed: renewed) : .wrong
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
        try await Store.renew(
            performed.compactMap { entry in
                guard case .genuine(let renewed?) = entry.result, let account = entry.plan else { return nil }
                return (account, renewed)
            }, on: transaction)
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
        detail: "Signing in to this account, or from this address, has failed too often; try again later.")
}
