import Contracts
import FoundationEssentials
import Logging
import PostgreSQL
import Redis
import Secrets
import Testing
import Users

@testable import JSON
@testable import Messaging
@testable import ServiceKit

/// Users, with a customer's everyday steps.
struct UsersHarness: Sendable {
    static let password = "correct horse battery"

    let service: ServiceHarness

    /// Weak hashes, so that tests which are not about them are quick.
    static let quick = PasswordHash.Parameters(logarithm: 4, blockSize: 8, parallelism: 1)

    init(
        attempts: (any KeyValueStore)? = nil, ask: @escaping RequestClient.Ask = { _, _, _ in throw RequestClient.Unanswered.timedOut }, passwords: PasswordHash.Parameters = quick
    ) async throws {
        let clock = SetClock()
        let definition = UsersService.definition(
            ask: ask, clock: clock, randomness: TestRandomness(), attempts: attempts, passwords: passwords, logger: Logger(label: "test"))
        service = try await ServiceHarness(definition, UsersService.migrations, clock: clock)
    }

    func signUp(_ email: String = "ada@example.com", _ password: String = password, from address: String? = nil) async throws -> User {
        let request = try Request(
            "users.accounts.create", ["email": email, "password": password, "name": "Ada"],
            parameters: address.map { [Request.clientAddress: $0] } ?? [:])
        return try await service.send(request).decoded()
    }

    func signIn(_ email: String = "ada@example.com", _ password: String = password, from address: String? = nil) async throws -> Reply {
        try await service.send(attempt(email, password, from: address))
    }

    /// A sign-in as the ingress sends it.
    func attempt(_ email: String, _ password: String = password, from address: String? = nil, id: UUID = UUID()) throws -> Request {
        try Request(
            "users.sessions.create", ["email": email, "password": password], parameters: address.map { [Request.clientAddress: $0] } ?? [:], id: id)
    }

    func resolve(_ token: String) async throws -> Reply {
        try await service.ask(Request("users.sessions.resolve", ["tokenHash": hash(token)]))
    }

    /// Of the only account.
    var storedHash: String {
        get async throws {
            let rows = try await service.database.withConnection { try await $0.query("SELECT password_hash FROM accounts") }
            return try rows.first?.decode("password_hash") ?? ""
        }
    }

    func allSessions(of user: UUID) async throws -> Int {
        try await service.count("SELECT count(*) FROM sessions WHERE user_id = \(user)")
    }
}

struct User: Decodable, Equatable {
    let id: UUID
    let email: String
    let name: String
    var locale: String?
    let role: String
    let verified: Bool
    let createdAt: Date

    var caller: Caller { Caller(id: id, role: .customer) }
}

struct NewSession: Decodable {
    let token: String
    let expiresAt: Date
    let user: User
}

struct SessionList: Decodable {
    struct Session: Decodable {
        let id: UUID
        let createdAt: Date
        let lastSeenAt: Date
        let expiresAt: Date
        let userAgent: String?
        let address: String?
        let current: Bool
    }

    let items: [Session]
    let nextCursor: String?
}

// MARK: - Mails

extension UsersHarness {
    /// The mails that these requests have asked for.
    static func mails(_ results: [BatchHandler.Result]) throws -> [AccountMail] {
        try results.flatMap(\.outputs).filter { $0.key == MessageName.accountMail }.map { try JSON.decode(AccountMail.self, from: $0.body) }
    }

    /// The mailer's work for a link: makes a token, has its hash stored, and sends it.
    func deliver(_ mail: AccountMail) async throws -> String {
        let token = SecureRandom.token()
        let armed = try await service.send(Request(MessageName.armLink, ["id": mail.id.uuidString, "tokenHash": hash(token)]))
        #expect(armed.status == 204)
        return token
    }

    /// A new account, and the mail that it was sent.
    func signUpMailed(_ email: String = "ada@example.com") async throws -> (user: User, mail: AccountMail) {
        let result = await service.send([
            try Request("users.accounts.create", ["email": email, "password": Self.password, "name": "Ada"])
        ])
        return (try result[0].reply.decoded(), try #require(try Self.mails(result).first))
    }

    func verify(_ token: String) async throws -> Reply {
        try await service.send(Request("users.emailVerifications.confirm", parameters: ["token": hash(token)]))
    }

    func profile(_ user: User) async throws -> User {
        try await service.ask(Request("users.me.get", caller: user.caller)).decoded()
    }
}
