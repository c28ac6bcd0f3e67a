import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// Sign-up.
struct Accounts: Sendable {
    let clock: any WallClock
    let randomness: any Randomness
    let threads: PasswordThreads
    let throttle: SignInThrottle
    let passwords: PasswordHash.Parameters
    let links: Links

    enum Hashed: Sendable {
        case taken
        /// The requester no longer waits for the answer, so no hash was made.
        case late
        case hash(String)
        case failed(SecretsError)

        /// Hashes the password, unless the request's deadline has passed.
        init(_ password: String, _ parameters: PasswordHash.Parameters, for request: Request, at now: Date) {
            if let deadline = request.deadline, deadline < now {
                self = .late
                return
            }
            do throws(SecretsError) {
                self = .hash(try PasswordHash.hash(password, parameters))
            } catch {
                self = .failed(error)
            }
        }
    }

    /// Checks first, so that a taken address costs no hash. `create` decides whether it is still free.
    func findTaken(_ items: [IncomingMessage<NewAccount>], on transaction: any SQLConnection) async throws -> [Bool] {
        let accounts = try await Store.accounts(byEmail: items.map(\.input.email.key), on: transaction)
        return items.map { accounts[$0.input.email.key] != nil }
    }

    func hash(_ prepared: [(item: IncomingMessage<NewAccount>, plan: Bool)]) async throws -> [Hashed] {
        let hashes = await threads.map(prepared) { [clock, passwords] entry -> Hashed in
            entry.plan ? .taken : Hashed(entry.item.input.password, passwords, for: entry.item.request, at: clock.now())
        }
        // The network of the sign-up is where the owner will sign in.
        await throttle.settle(
            zip(prepared, hashes).compactMap { entry, hash in
                guard case .hash = hash else { return nil }
                return (SignInAttempt(entry.item.request, emailKey: entry.item.input.email.key), true)
            })
        return hashes
    }

    func create(
        _ performed: [(item: IncomingMessage<NewAccount>, plan: Bool, result: Hashed)], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        let now = clock.now()
        let accounts: [AccountRow?] = performed.map { entry in
            guard case .hash(let hash) = entry.result else { return nil }
            let input = entry.item.input
            return AccountRow(
                id: randomness.uuid(), email: input.email.text, name: input.name, passwordHash: hash, role: .customer,
                verified: false, disabled: false, createdAt: now)
        }
        let created = try await Store.insert(accounts.compactMap(\.self), on: transaction)
        var mails: [UUID: OutgoingMessage] = [:]
        for account in accounts.compactMap(\.self) where created.contains(account.id) {
            mails[account.id] = try await links.request(.emailVerification, of: account, to: account.email, on: transaction)
        }
        return try zip(performed, accounts).map { entry, account in
            switch entry.result {
            case .late:
                return .refused(.tooLate)
            case .failed(let error):
                // The message contains a password, so it can neither wait on the ladder nor be replayed: the requester tries again.
                return .refused(.unavailable(error.message))
            case .taken, .hash:
                guard let account, created.contains(account.id) else {
                    return .refused(.emailTaken)
                }
                return .done(try Reply(status: 201, json: account.view), emit: mails[account.id].map { [$0] } ?? [])
            }
        }
    }
}
