import Contracts
import FoundationEssentials
import LocalServers
import Logging
import Messaging
import PostgreSQL
import Redis
import TestKit
import Testing
import Users
@testable import ServiceKit

@Suite struct SignInTests {
    @Test func `the right password begins a session of thirty days, whose token is written down nowhere`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp()
        let reply = try await users.signIn("ADA@example.com")
        #expect(reply.status == 201)
        #expect(reply.isPrivate)
        let session: NewSession = try reply.decoded()
        #expect(session.user == ada)
        #expect(session.expiresAt == users.service.clock.now().addingTimeInterval(30 * 86_400))
        let resolved: ResolvedSession = try await users.resolve(session.token).decoded()
        #expect(resolved.userID == ada.id)
        #expect(resolved.role == .customer)
        #expect(resolved.email == ada.email)
        #expect(try await users.service.count("SELECT count(*) FROM inbox WHERE outputs::text LIKE '%' || \(session.token) || '%'") == 0)
        #expect(try await users.service.count("SELECT count(*) FROM sessions WHERE token_hash = sha256(convert_to(\(session.token), 'UTF8'))") == 1)
    }

    @Test func `a wrong password and an unknown address get the same answer after the same work`() async throws {
        let users = try await UsersHarness()
        _ = try await users.signUp()
        _ = try await users.signIn("nobody@example.com")
        let wrong = try await users.signIn("ada@example.com", "wrong password")
        let unknown = try await users.signIn("nobody@example.com", "wrong password")
        #expect([wrong.status, unknown.status] == [401, 401])
        #expect(wrong.body == unknown.body)
        #expect(wrong.problem?.type.hasSuffix("invalid-credentials") == true)
        #expect(wrong.headers["www-authenticate"] == "Bearer")
        // A hash takes some 80 ms and everything else two or three, so without one the difference would be far larger.
        #expect(try await shortest(users, "nobody@example.com") > shortest(users, "ada@example.com") / 4)
    }

    /// The least disturbed of a few measurements.
    private func shortest(_ users: UsersHarness, _ email: String) async throws -> Duration {
        var times: [Duration] = []
        for _ in 0..<3 {
            times.append(try await ContinuousClock().measure { _ = try await users.signIn(email, "wrong password") })
        }
        return times.min() ?? .zero
    }

    @Test func `a batch of sign-ins is answered one by one`() async throws {
        let users = try await UsersHarness()
        _ = try await users.signUp("ada@example.com")
        _ = try await users.signUp("grace@example.com")
        let bodies = [
            ["email": "ada@example.com", "password": UsersHarness.password], ["email": "ada@example.com", "password": "wrong password"],
            ["email": "grace@example.com", "password": UsersHarness.password], ["email": "ada@example.com"],
            ["email": "ada@example.com", "password": UsersHarness.password],
        ]
        let replies = try await users.service.send(try bodies.map { try Request("users.sessions.create", $0) }).map { try $0.reply }
        #expect(replies.map(\.status) == [201, 401, 201, 422, 201])
        let tokens = try [0, 2, 4].map { try replies[$0].decoded(NewSession.self).token }
        #expect(Set(tokens).count == 3)
    }

    @Test func `a disabled account cannot sign in, and its sessions end`() async throws {
        let users = try await UsersHarness()
        _ = try await users.signUp()
        let session: NewSession = try await users.signIn().decoded()
        try await users.service.database.withConnection { _ = try await $0.execute("UPDATE accounts SET disabled = true") }
        #expect(try await users.signIn().status == 401)
        #expect(try await users.resolve(session.token).status == 404)
    }

    @Test func `after ten failures an account has to wait, and a success before that clears the count`() async throws {
        let redis = try RedisClient(url: try await TestServers.redis().url, logger: Logger(label: "test"))
        defer { redis.shutdown() }
        let users = try await UsersHarness(attempts: redis)
        let email = "ada-\(UUID().uuidString.lowercased())@example.com"
        _ = try await users.signUp(email)
        let wrong = try Array(0..<9).map { _ in try Request("users.sessions.create", ["email": email, "password": "wrong password"]) }
        #expect(try await users.service.send(wrong).map { try $0.reply.status } == Array(repeating: 401, count: 9))
        #expect(try await users.signIn(email).status == 201)

        let more = try Array(0..<12).map { _ in try Request("users.sessions.create", ["email": email, "password": "wrong password"]) }
        let replies = try await users.service.send(more).map { try $0.reply }
        #expect(replies.map(\.status) == Array(repeating: 401, count: 10) + [429, 429])
        let refused = try await users.signIn(email)
        #expect(refused.status == 429)
        #expect(refused.problem?.type.hasSuffix("too-many-attempts") == true)
        let wait = try #require(refused.headers["retry-after"].flatMap(Int.init))
        #expect((1...900).contains(wait))
        #expect(try await users.signIn("other-\(email)").status == 401, "others are not concerned")
    }

    @Test func `without Redis everybody may try`() async throws {
        let users = try await UsersHarness(attempts: NoStore())
        _ = try await users.signUp()
        for _ in 0..<2 { #expect(try await users.signIn("ada@example.com", "wrong password").status == 401) }
        #expect(try await users.signIn().status == 201)
    }

    private struct NoStore: KeyValueStore {
        func command(_ arguments: [String]) async throws(RedisError) -> RedisValue {
            throw RedisError(code: .unavailable, message: "Redis is away")
        }
    }
}
