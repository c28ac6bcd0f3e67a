import Contracts
import FoundationEssentials
import Logging
import Messaging
import PostgreSQL
import Redis
import Users
@testable import ServiceKit

/// Users with one customer's everyday steps.
struct UsersHarness: Sendable {
    static let password = "correct horse battery"

    let service: ServiceHarness

    init(attempts: (any KeyValueStore)? = nil) async throws {
        let clock = SetClock()
        let definition = UsersService.definition(
            clock: clock, randomness: TestRandomness(), attempts: attempts, logger: Logger(label: "test"))
        service = try await ServiceHarness(definition, UsersService.migrations, clock: clock)
    }

    func signUp(_ email: String = "ada@example.com") async throws -> User {
        let request = try Request("users.accounts.create", ["email": email, "password": Self.password, "name": "Ada"])
        return try await service.send(request).decoded()
    }

    func signIn(_ email: String = "ada@example.com", _ password: String = password) async throws -> Reply {
        try await service.send(Request("users.sessions.create", ["email": email, "password": password]))
    }

    func resolve(_ token: String) async throws -> Reply {
        try await service.ask(Request("users.sessions.resolve", ["tokenHash": hash(token)]))
    }

    func allSessions(of user: UUID) async throws -> Int {
        try await service.count("SELECT count(*) FROM sessions WHERE user_id = \(user)")
    }
}

struct User: Decodable, Equatable {
    let id: UUID
    let email: String
    let name: String
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
        let expiresAt: Date
        let current: Bool
    }

    let items: [Session]
    let nextCursor: String?
}
