import Contracts
import FoundationEssentials
import Logging
import Messaging
import PostgreSQL
import Testing
import Users

@testable import ServiceKit

@Suite struct AdministratorTests {
    private func ensure(_ users: UsersHarness, _ password: String) async throws -> UUID {
        try await UsersService.ensureAdmin(
            email: "Admin@example.com", password: password, on: users.service.database, clock: users.service.clock,
            randomness: TestRandomness())
    }

    @Test func `the administrator is created once and can sign in`() async throws {
        let users = try await UsersHarness()
        let id = try await ensure(users, "a long password")
        let session: NewSession = try await users.signIn("admin@example.com", "a long password").decoded()
        #expect(session.user.role == "admin")
        #expect(try await ensure(users, "a long password") == id)
        #expect(try await users.service.count("SELECT count(*) FROM accounts") == 1)
        let resolved: ResolvedSession = try await users.resolve(session.token).decoded()
        #expect(resolved.role == .admin)
    }

    @Test func `a new password replaces the old one and ends the sessions`() async throws {
        let users = try await UsersHarness()
        let id = try await ensure(users, "a long password")
        let session: NewSession = try await users.signIn("admin@example.com", "a long password").decoded()
        #expect(try await ensure(users, "another password") == id)
        #expect(try await users.resolve(session.token).status == 404)
        #expect(try await users.signIn("admin@example.com", "a long password").status == 401)
        #expect(try await users.signIn("admin@example.com", "another password").status == 201)
    }

    @Test func `a customer's account can become the administrator's`() async throws {
        let users = try await UsersHarness()
        let customer = try await users.signUp("admin@example.com")
        #expect(try await ensure(users, UsersHarness.password) == customer.id)
        let session: NewSession = try await users.signIn("admin@example.com").decoded()
        #expect(session.user.role == "admin")
    }

    @Test func `a password that is invalid for customers is rejected`() async throws {
        let users = try await UsersHarness()
        await #expect(throws: Problem.self) { try await ensure(users, "short") }
    }

    @Test func `messages with passwords have a queue of their own`() {
        let definition = UsersService.definition(
            ask: { _, _, _ in throw RequestClient.Unanswered.timedOut }, clock: SetClock(), randomness: TestRandomness(), attempts: nil, logger: .init(label: "test"))
        #expect(definition.sensitiveQueues == ["users.credentials", "users.registrations"])
        #expect(definition.queues == ["users.queries", "users.commands", "users.credentials", "users.registrations"])
    }
}
