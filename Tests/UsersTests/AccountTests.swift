import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import Messaging
@testable import ServiceKit
@testable import Users

@Suite struct AccountTests {
    @Test func `an account is created, and its password is stored as a scrypt hash only`() async throws {
        let users = try await UsersHarness()
        let reply = try await users.service.send(
            Request("users.accounts.create", ["email": " Ada@Example.com ", "password": UsersHarness.password, "name": "Ada"]))
        #expect(reply.status == 201)
        let user: User = try reply.decoded()
        #expect(user.email == "Ada@Example.com")
        #expect(user.role == "customer")
        #expect(!user.verified)
        let stored = try await users.service.database.withConnection { try await $0.query("SELECT password_hash FROM accounts") }
        #expect(try stored[0].decode("password_hash", as: String.self).hasPrefix("$scrypt$"))
        #expect(!String(decoding: reply.body, as: UTF8.self).contains("scrypt"))
    }

    @Test func `an address is unique whatever its case, in one batch too, and bad input does not block others`() async throws {
        let users = try await UsersHarness()
        _ = try await users.signUp("grace@example.com")
        let emails = ["GRACE@example.com", "ada@example.com", "Ada@EXAMPLE.com", "not an address", "alan@example.com"]
        let requests = try emails.map {
            try Request("users.accounts.create", ["email": $0, "password": UsersHarness.password, "name": "N"])
        }
        let replies = try await users.service.send(requests).map { try $0.reply }
        #expect(replies.map(\.status) == [409, 201, 409, 422, 201])
        #expect(replies[0].problem?.type.hasSuffix("email-taken") == true)
        #expect(try await users.service.count("SELECT count(*) FROM accounts") == 3)
    }

    @Test func `all errors in a sign-up are reported at once`() async throws {
        let users = try await UsersHarness()
        let reply = try await users.service.send(
            Request("users.accounts.create", ["email": "ada@localhost", "password": "short", "name": "", "role": "admin"]))
        #expect(reply.status == 422)
        #expect(Set(reply.problem?.errors?.map(\.field) ?? []) == ["email", "password", "name"])
    }

    @Test func `an unknown field in a sign-up is rejected`() async throws {
        let users = try await UsersHarness()
        let body = ["email": "ada@example.com", "password": UsersHarness.password, "name": "Ada", "role": "admin"]
        let reply = try await users.service.send(Request("users.accounts.create", body))
        #expect(reply.problem?.errors?.map(\.field) == ["role"])
    }

    @Test func `a retry gets the first reply and creates no second account`() async throws {
        let users = try await UsersHarness()
        let request = try Request(
            "users.accounts.create", ["email": "ada@example.com", "password": UsersHarness.password, "name": "Ada"])
        let first = try await users.service.send(request)
        let second = try await users.service.send(request)
        #expect(first.status == 201)
        #expect(second.isReplayed)
        #expect(second.body == first.body)
    }

    /// A fast hash of a password is as good as the password, and this row holds the key as well.
    @Test func `no stored value of a sign-up but the scrypt hash depends on the password`() async throws {
        let id = UUID()
        var rows: [(fingerprint: [UInt8], outputs: String)] = []
        for password in [UsersHarness.password, "another long password"] {
            let users = try await UsersHarness()
            let reply = try await users.service.send(
                Request("users.accounts.create", ["email": "ada@example.com", "password": password, "name": "Ada"], id: id))
            #expect(reply.status == 201)
            let stored = try await users.service.database.withConnection { try await $0.query("SELECT fingerprint, outputs::text AS outputs FROM inbox") }
            let row = try #require(stored.first)
            rows.append((try row.decode("fingerprint"), try row.decode("outputs")))
            #expect(!rows[rows.count - 1].outputs.contains(password))
        }
        #expect(rows.count == 2 && rows.first?.fingerprint == rows.last?.fingerprint)
    }

    @Test func `a key that was used for another sign-up is rejected, and from another address of the same client it is the same sign-up`() async throws {
        let users = try await UsersHarness()
        let id = UUID()
        func signUp(_ email: String, _ name: String, from address: String) async throws -> Reply {
            try await users.service.send(
                Request(
                    "users.accounts.create", ["email": email, "password": UsersHarness.password, "name": name],
                    parameters: [Request.idempotencyKey: "1", Request.clientAddress: address], id: id))
        }
        #expect(try await signUp("ada@example.com", "Ada", from: "192.0.2.1").status == 201)
        #expect(try await signUp("ada@example.com", "Ada", from: "198.51.100.7").isReplayed)
        for (email, name) in [("grace@example.com", "Ada"), ("ada@example.com", "Grace")] {
            let reply = try await signUp(email, name, from: "192.0.2.1")
            #expect(reply.status == 422)
            #expect(reply.problem?.type.hasSuffix("idempotency-key-reused") == true)
        }
    }

    @Test func `a sign-up recorded before the fingerprints excluded the password is still recognised`() async throws {
        let users = try await UsersHarness()
        let request = try Request("users.accounts.create", ["email": "ada@example.com", "password": UsersHarness.password, "name": "Ada"])
        #expect(try await users.service.send(request).status == 201)
        try await users.service.database.withConnection {
            _ = try await $0.execute("UPDATE inbox SET fingerprint = \(request.fingerprint(of: .body))")
        }
        #expect(try await users.service.send(request).isReplayed)
    }

    @Test func `no account is created for a request past its deadline`() async throws {
        let users = try await UsersHarness()
        let request = try Request(
            "users.accounts.create", ["email": "ada@example.com", "password": UsersHarness.password, "name": "Ada"],
            deadline: users.service.clock.now().addingTimeInterval(-1))
        guard case .expired = await users.service.send([request])[0] else {
            Issue.record("a request past its deadline was handled")
            return
        }
        #expect(try await users.service.count("SELECT count(*) FROM accounts") == 0)
    }

    @Test func `a profile has an ETag that changes only with it, and only its owner can read it`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp()
        let first = try await users.service.ask(Request("users.me.get", caller: ada.caller))
        #expect(try first.decoded(User.self) == ada)
        let etag = try #require(first.headers["etag"])
        #expect(try await users.service.ask(Request("users.me.get", caller: ada.caller)).headers["etag"] == etag)
        try await users.service.database.withConnection { _ = try await $0.execute("UPDATE accounts SET name = 'Countess'") }
        #expect(try await users.service.ask(Request("users.me.get", caller: ada.caller)).headers["etag"] != etag)
        let replies = try await users.service.ask([
            Request("users.me.get", caller: Caller(id: UUID(), role: .customer)), Request("users.me.get"),
        ])
        #expect(replies.map(\.status) == [404, 401])
    }

    @Test(arguments: ["ada@example.com", "a.b+c@mail.example.co", "o'hara@x-y.io"])
    func `a plausible address is accepted`(text: String) {
        #expect(EmailAddress(text) != nil)
    }

    @Test(arguments: [
        "", "ada", "@example.com", "ada@", "ada@example", "a b@example.com", "ada@exa mple.com", "ada@-example.com", "ada.@example.com",
        "ada@example..com", "ada@example.com\r\nBcc: x@example.com", "<ada@example.com>", "ädä@example.com",
        String(repeating: "a", count: 65) + "@example.com",
    ])
    func `an impossible address is rejected`(text: String) {
        #expect(EmailAddress(text) == nil)
    }

    @Test func `a password of few characters but very many bytes is rejected, not failed`() async throws {
        let users = try await UsersHarness()
        let password = String(repeating: "e" + String(repeating: "\u{301}", count: 300), count: 12)
        let reply = try await users.service.send(
            Request("users.accounts.create", ["email": "ada@example.com", "password": password, "name": "Ada"]))
        #expect(reply.problem?.errors?.map(\.field) == ["password"])
    }
}
