import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Secrets
import Testing

@testable import ServiceKit
@testable import Users

@Suite struct SignInTests {
    @Test func `the right password begins a session of thirty days, whose token is stored nowhere`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp()
        let reply = try await users.signIn("ADA@example.com")
        #expect(reply.status == 201)
        #expect(reply.isPrivate)
        let session: UsersTests.NewSession = try reply.decoded()
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
        let users = try await UsersHarness(passwords: .init(logarithm: 15, blockSize: 8, parallelism: 1))
        _ = try await users.signUp()
        _ = try await users.signIn("nobody@example.com")
        let wrong = try await users.signIn("ada@example.com", "wrong password")
        let unknown = try await users.signIn("nobody@example.com", "wrong password")
        #expect([wrong.status, unknown.status] == [401, 401])
        #expect(wrong.body == unknown.body)
        #expect(wrong.problem?.type.hasSuffix("invalid-credentials") == true)
        #expect(wrong.headers["www-authenticate"] == "Bearer")
        // Such a hash takes some 80 ms and everything else two or three, so without one the difference would be far larger.
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
        let tokens = try [0, 2, 4].map { try replies[$0].decoded(UsersTests.NewSession.self).token }
        #expect(Set(tokens).count == 3)
    }

    @Test func `a disabled account cannot sign in, and its sessions end`() async throws {
        let users = try await UsersHarness()
        _ = try await users.signUp()
        let session: UsersTests.NewSession = try await users.signIn().decoded()
        try await users.service.database.withConnection { _ = try await $0.execute("UPDATE accounts SET disabled = true") }
        #expect(try await users.signIn().status == 401)
        #expect(try await users.resolve(session.token).status == 404)
    }

    @Test func `sign-ups that wait for their hashes do not delay sign-ins`() async throws {
        let users = try await UsersHarness(passwords: .init(logarithm: 14, blockSize: 8, parallelism: 1))
        _ = try await users.signUp()
        let requests = try (0..<40).map {
            try Request("users.accounts.create", ["email": "\($0)@example.com", "password": UsersHarness.password, "name": "N"])
        }
        async let signUps = users.service.send(requests)
        #expect(try await users.signIn().status == 201)
        #expect(try await users.service.count("SELECT count(*) FROM accounts") == 1, "the sign-ups are still being hashed")
        #expect(try await signUps.map { try $0.reply.status } == Array(repeating: 201, count: 40))
    }

    @Test func `a hash weaker than the current ones is replaced at the next sign-in, and concurrent sign-ins succeed`() async throws {
        let users = try await UsersHarness(passwords: .init(logarithm: 6, blockSize: 8, parallelism: 1))
        _ = try await users.signUp()
        let old = try PasswordHash.hash(UsersHarness.password, UsersHarness.quick)
        try await users.service.database.withConnection { _ = try await $0.execute("UPDATE accounts SET password_hash = \(old)") }
        #expect(try await users.signIn("ada@example.com", "wrong password").status == 401)
        #expect(try await users.storedHash == old, "only its owner can renew it")
        let replies = await users.service.send(try (0..<8).map { _ in try users.attempt("ada@example.com") })
        #expect(try replies.map { try $0.reply.status } == Array(repeating: 201, count: 8))
        #expect(try await users.storedHash.hasPrefix("$scrypt$ln=6,r=8,p=1$"))
        #expect(try await users.signIn().status == 201)
        let renewed = try await users.storedHash
        #expect(try await users.signIn().status == 201)
        #expect(try await users.storedHash == renewed)
    }

    @Test func `a sign-in that has verified the hash before the renewal begins a session, and one that has verified another password does not`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp()
        let database = users.service.database
        let account = try #require(try await database.withConnection { try await Store.accounts([ada.id], on: $0)[ada.id] })
        try await database.transaction { try await Store.renew([(account, "stronger")], on: $0) }
        let now = users.service.clock.now()
        func begin() async throws -> Int {
            try await database.transaction {
                try await Store.begin([.init(id: UUID(), token: UUID().uuidString, account: account)], now: now, expiresAt: now, on: $0).count
            }
        }
        #expect(try await begin() == 1)
        // A renewal of a hash that is no longer stored changes nothing.
        try await database.transaction { try await Store.renew([(account, "late")], on: $0) }
        #expect(try await users.storedHash == "stronger")
        _ = try await UsersService.ensureAdmin(
            email: "ada@example.com", password: "a new password", on: database, clock: users.service.clock, randomness: TestRandomness())
        #expect(try await begin() == 0)
    }

    @Test func `a password is the same however its accents are composed`() async throws {
        let users = try await UsersHarness()
        let (composed, decomposed) = ("caf\u{e9} \u{1e69}\u{d55c} au lait", "cafe\u{301}\u{a0}s\u{307}\u{323}\u{1112}\u{1161}\u{11ab} au lait")
        _ = try await users.signUp("ada@example.com", composed)
        _ = try await users.signUp("grace@example.com", decomposed)
        for email in ["ada@example.com", "grace@example.com"] {
            #expect(try await users.signIn(email, composed).status == 201)
            #expect(try await users.signIn(email, decomposed).status == 201)
            #expect(try await users.signIn(email, "cafe s\u{d55c} au lait").status == 401)
        }
    }

    /// Addresses are ASCII, where nothing can be composed in two ways.
    @Test func `an address with accents is invalid, however they are composed`() async throws {
        let users = try await UsersHarness()
        for email in ["andr\u{e9}@example.com", "andre\u{301}@example.com"] {
            let reply = try await users.service.send(Request("users.accounts.create", ["email": email, "password": UsersHarness.password, "name": "André"]))
            #expect(reply.status == 422)
            #expect(try await users.signIn(email).status == 401)
        }
    }
}
