import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// Operations that require the account's password in addition to a session: an unlocked telephone alone is not enough.
struct Passwords: Sendable {
    let links: Links
    let clock: any WallClock
    let threads: PasswordThreads
    let verifying: PasswordVerifying
    let passwords: PasswordHash.Parameters

    typealias Verdict = PasswordVerifying.Verdict
    typealias Hashed = Accounts.Hashed

    func findAccounts(_ items: [IncomingMessage<PasswordChange>], on transaction: any SQLConnection) async throws -> [AccountRow?] {
        let accounts = try await Store.accounts(items.map(\.input.userID), on: transaction)
        return items.map { accounts[$0.input.userID] }
    }

    /// The new password is hashed only when the old one is right.
    func verify(_ prepared: [(item: IncomingMessage<PasswordChange>, plan: AccountRow?)]) async throws -> [(Verdict, Hashed?)] {
        let verdicts = await verifying.verify(prepared.map { Self.claim($0.item.request, $0.item.input.current, $0.plan) })
        let hashes = await threads.map(Array(zip(prepared, verdicts))) { [clock, passwords] entry, verdict -> Hashed? in
            guard case .genuine = verdict else { return nil }
            return Hashed(entry.item.input.password, passwords, for: entry.item.request, at: clock.now())
        }
        return Array(zip(verdicts, hashes))
    }

    func change(
        _ performed: [(item: IncomingMessage<PasswordChange>, plan: AccountRow?, result: (Verdict, Hashed?))], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        let now = clock.now()
        var accounts = try await Store.lockedAccounts(performed.map(\.item.input.userID), on: transaction)
        var outcomes: [Outcome] = []
        for (item, verified, (verdict, hashed)) in performed {
            if let outcome = Outcome(unlookedAt: verdict) {
                outcomes.append(outcome)
                continue
            }
            // If another request has changed it meanwhile, it is no longer the account's password. The next of this batch sees the change.
            guard case .genuine = verdict, let verified, let account = accounts.removeValue(forKey: item.input.userID), account.hasPassword(of: verified) else {
                outcomes.append(.refused(.wrongPassword))
                continue
            }
            guard case .hash(let hash)? = hashed else {
                outcomes.append(.refused(.tooLate))
                continue
            }
            try await Store.setPassword(hash, of: account.id, keeping: item.input.session, now: now, on: transaction)
            outcomes.append(.done(.noContent, emit: [try .sessionRevoked(account.id), try links.notify(.passwordChanged, account)]))
        }
        return outcomes
    }

    // MARK: The address

    func findAccounts(_ items: [IncomingMessage<EmailChange>], on transaction: any SQLConnection) async throws -> [AccountRow?] {
        let accounts = try await Store.accounts(items.map(\.input.userID), on: transaction)
        return items.map { accounts[$0.input.userID] }
    }

    func verify(_ prepared: [(item: IncomingMessage<EmailChange>, plan: AccountRow?)]) async throws -> [Verdict] {
        await verifying.verify(prepared.map { Self.claim($0.item.request, $0.item.input.password, $0.plan) })
    }

    /// The new address gets a link, and the old one a notice. Nothing changes before the link is used.
    func changeEmail(
        _ performed: [(item: IncomingMessage<EmailChange>, plan: AccountRow?, result: Verdict)], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        let accounts = try await Store.lockedAccounts(performed.map(\.item.input.userID), on: transaction)
        let taken = try await Store.accounts(byEmail: performed.map(\.item.input.email.key), on: transaction)
        var outcomes: [Outcome] = []
        for (item, verified, verdict) in performed {
            if let outcome = Outcome(unlookedAt: verdict) {
                outcomes.append(outcome)
                continue
            }
            guard case .genuine = verdict, let verified, let account = accounts[item.input.userID], account.hasPassword(of: verified) else {
                outcomes.append(.refused(.wrongPassword))
                continue
            }
            if let other = taken[item.input.email.key], other.id != account.id {
                outcomes.append(.refused(.emailTaken))
            } else if let mail = try await links.request(.emailChange, of: account, to: item.input.email.text, on: transaction) {
                outcomes.append(.done(Reply(status: 202), emit: [mail, try links.notify(.emailChangeRequested, account)]))
            } else {
                outcomes.append(.done(.tooManyMails))
            }
        }
        return outcomes
    }

    private static func claim(_ request: Request, _ password: String, _ account: AccountRow?) -> PasswordVerifying.Claim {
        // Counted as sign-in attempts are: a stolen session must not allow further guesses.
        PasswordVerifying.Claim(
            request: request, emailKey: account.map { EmailAddress.key(of: $0.email) } ?? "", password: password, account: account)
    }
}

struct PasswordChange: Sendable {
    let userID: UUID
    /// The session that stays.
    let session: [UInt8]?
    let current: String
    let password: String

    static func read(_ request: Request) throws -> PasswordChange {
        try Fields.read(request) { fields in
            PasswordChange(
                userID: try callerID(of: request), session: fields.optionalParameter("session").flatMap(TokenHash.decode),
                current: fields.secret("current", 1...NewAccount.passwordLength.upperBound), password: fields.secret("password", NewAccount.passwordLength))
        }
    }
}

struct EmailChange: Sendable {
    let userID: UUID
    let email: EmailAddress
    let password: String

    static func read(_ request: Request) throws -> EmailChange {
        try Fields.read(request) { fields in
            let userID = try callerID(of: request)
            let text = fields.emailAddress("email")
            let password = fields.secret("password", 1...NewAccount.passwordLength.upperBound)
            guard let email = EmailAddress(text) else { throw Problem.invalidInput(fields.errors) }
            return EmailChange(userID: userID, email: email, password: password)
        }
    }
}
