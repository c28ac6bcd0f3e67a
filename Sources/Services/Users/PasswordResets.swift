import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// A new password for the person who reads the account's mail.
struct PasswordResets: Sendable {
    let links: Links
    let clock: any WallClock
    let threads: PasswordThreads
    let throttle: SignInThrottle
    let passwords: PasswordHash.Parameters

    typealias Hashed = Accounts.Hashed

    /// Counts each request as an attempt, whether or not there is an account: by address and network, separately from sign-ins.
    func admit(_ items: [IncomingMessage<ResetRequest>]) async throws -> [UUID: SignInAdmission] {
        let attempts = items.map { SignInAttempt(resetting: $0.input.emailKey, $0.request) }
        let admissions = await throttle.admit(attempts)
        await throttle.settle(zip(attempts, admissions).filter { $1 == .admitted }.map { ($0.0, false) })
        return Dictionary(zip(items.map(\.request.id), admissions)) { first, _ in first }
    }

    /// The answer is the same in any case, and takes the same time: account-dependent work happens after it.
    func create(
        _ items: [IncomingMessage<ResetRequest>], _ admissions: [UUID: SignInAdmission], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        try items.map { item in
            switch admissions[item.request.id] {
            case .admitted?:
                return .done(
                    Reply(status: 202),
                    emit: [try OutgoingMessage(.request(MessageName.preparePasswordReset), PreparePasswordReset(emailKey: item.input.emailKey))])
            case .refused(let seconds)?: return .done(Reply(.tooManyAttempts, headers: ["retry-after": "\(seconds)"]))
            case .busy?, nil: return .done(Reply(.tooManyAttempts))
            }
        }
    }

    func prepare(_ items: [IncomingMessage<PreparePasswordReset>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let found = try await Store.accounts(byEmail: items.map(\.input.emailKey), on: transaction)
        let accounts = try await Store.lockedAccounts(found.values.map(\.id), on: transaction)
        var outcomes: [Outcome] = []
        for item in items {
            guard let id = found[item.input.emailKey]?.id, let account = accounts[id], !account.disabled,
                let mail = try await links.request(.passwordReset, of: account, to: account.email, on: transaction)
            else {
                outcomes.append(.done())
                continue
            }
            outcomes.append(.done(emit: [mail]))
        }
        return outcomes
    }

    /// Whether the token opens a link: a password is not hashed for a token that does not.
    func find(_ items: [IncomingMessage<NewPassword>], on transaction: any SQLConnection) async throws -> [Bool] {
        let links = try await Store.links(items.map(\.input.tokenHash), for: [.passwordReset], now: clock.now(), on: transaction)
        return items.map { links[$0.input.tokenHash] != nil }
    }

    /// Nil where the token opens nothing.
    func hash(_ prepared: [(item: IncomingMessage<NewPassword>, plan: Bool)]) async throws -> [Hashed?] {
        await threads.map(prepared) { [clock, passwords] item, isOpen -> Hashed? in
            isOpen ? Hashed(item.input.password, passwords, for: item.request, at: clock.now()) : nil
        }
    }

    func confirm(
        _ performed: [(item: IncomingMessage<NewPassword>, plan: Bool, result: Hashed?)], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        let now = clock.now()
        var (open, accounts) = try await Store.lockedLinks(
            performed.map(\.item.input.tokenHash), for: [.passwordReset], now: now, on: transaction)
        var outcomes: [Outcome] = []
        for entry in performed {
            switch entry.result {
            case .late?, .failed?: outcomes.append(.refused(.tooLate))
            case .taken?, nil: outcomes.append(.refused(.linkEnded))
            case .hash(let hash)?:
                guard let link = open.removeValue(forKey: entry.item.input.tokenHash), let account = accounts[link.userID], !account.disabled,
                    EmailAddress.key(of: link.email) == EmailAddress.key(of: account.email)
                else {
                    outcomes.append(.refused(.linkEnded))
                    continue
                }
                try await Store.setPassword(hash, of: account.id, keeping: nil, now: now, on: transaction)
                // Reading the mail has proved that the address belongs to the owner.
                try await Store.setVerified(account.id, on: transaction)
                outcomes.append(.done(.noContent, emit: [try .sessionRevoked(account.id), try links.notify(.passwordChanged, account)]))
            }
        }
        return outcomes
    }
}

struct ResetRequest: Sendable {
    let emailKey: String

    static func read(_ request: Request) throws -> ResetRequest {
        try Fields.read(request) { ResetRequest(emailKey: EmailAddress.key(of: $0.emailAddress("email"))) }
    }
}

struct NewPassword: Sendable {
    let tokenHash: [UInt8]
    let password: String

    static func read(_ request: Request) throws -> NewPassword {
        try Fields.read(request) { fields in
            NewPassword(tokenHash: try fields.linkToken(), password: fields.secret("password", NewAccount.passwordLength))
        }
    }
}
