import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Secrets

/// Signing up, and one's own profile.
struct Accounts: Sendable {
    let clock: any WallClock
    let randomness: any Randomness
    let threads: PasswordThreads
    let throttle: SignInThrottle
    let passwords: PasswordHash.Parameters

    enum Hashed: Sendable {
        case taken
        /// Nobody waits for the answer any more, so no hash was made.
        case late
        case hash(String)
        case failed(SecretsError)
    }

    /// Looks first, so that an address that is taken costs no hash. Whether it still is free is decided by `create`.
    func findTaken(_ items: [Item<NewAccount>], on transaction: any SQLConnection) async throws -> [Bool] {
        let accounts = try await Store.accounts(byEmail: items.map(\.input.email.key), on: transaction)
        return items.map { accounts[$0.input.email.key] != nil }
    }

    func hash(_ prepared: [(item: Item<NewAccount>, plan: Bool)]) async throws -> [Hashed] {
        let hashes = await threads.map(prepared) { [clock, passwords] entry -> Hashed in
            if entry.plan { return .taken }
            if let deadline = entry.item.request.deadline, deadline < clock.now() { return .late }
            do throws(SecretsError) {
                return .hash(try PasswordHash.hash(entry.item.input.password, passwords))
            } catch {
                return .failed(error)
            }
        }
        // Where somebody signs up is where he will sign in.
        await throttle.settle(
            zip(prepared, hashes).compactMap { entry, hash in
                guard case .hash = hash else { return nil }
                return (SignInAttempt(entry.item.request, emailKey: entry.item.input.email.key), true)
            })
        return hashes
    }

    func create(
        _ performed: [(item: Item<NewAccount>, plan: Bool, result: Hashed)], on transaction: any SQLConnection
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
        return try zip(performed, accounts).map { entry, account in
            switch entry.result {
            case .late:
                return .refused(.unavailable("The request waited too long for its turn."))
            case .failed(let error):
                // The message holds a password, so it can neither wait on the ladder nor be replayed: whoever asked tries again.
                return .refused(.unavailable(error.message))
            case .taken, .hash:
                guard let account, created.contains(account.id) else {
                    return .refused(.conflict("email-taken", "There is an account for this e-mail address already."))
                }
                return .done(try Reply(status: 201, json: account.view))
            }
        }
    }

    func get(_ items: [Item<Own>], on connection: any SQLConnection) async throws -> [Outcome] {
        let accounts = try await Store.accounts(items.map(\.input.userID), on: connection)
        return try items.map { item in
            guard let account = accounts[item.input.userID], !account.disabled else {
                return .refused(.notFound("account"))
            }
            var reply = try Reply(json: account.view)
            reply.headers["etag"] = "\"\(SHA256.hex(reply.body).prefix(32))\""
            return .done(reply)
        }
    }
}
