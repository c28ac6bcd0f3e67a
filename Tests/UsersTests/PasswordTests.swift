import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import Messaging
@testable import ServiceKit
@testable import Users

@Suite struct PasswordTests {
    private static let new = "a better horse battery"

    private func change(_ users: UsersHarness, _ user: User, current: String = UsersHarness.password, keeping token: String? = nil) throws -> Request {
        try Request(
            "users.password.change", ["current": current, "password": Self.new], parameters: token.map { ["session": hash($0)] } ?? [:], caller: user.caller)
    }

    @Test func `a changed password ends all sessions but this one, and its owner is notified`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp()
        let own: NewSession = try await users.signIn().decoded()
        let stolen: NewSession = try await users.signIn().decoded()
        let result = await users.service.send([try change(users, ada, keeping: own.token)])
        #expect(try result[0].reply.status == 204)
        #expect(result[0].outputs.map(\.key).contains(MessageName.sessionRevoked))
        #expect(try UsersHarness.mails(result).map(\.kind) == [.passwordChanged])
        #expect(try await users.resolve(own.token).status == 200)
        #expect(try await users.resolve(stolen.token).status == 404)
        #expect(try await users.signIn().status == 401)
        #expect(try await users.signIn("ada@example.com", Self.new).status == 201)
    }

    @Test func `without the old password nothing changes, and guesses count as attempts to sign in`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp()
        var statuses: [Int] = []
        for _ in 0..<11 { statuses.append(try await users.service.send(change(users, ada, current: "not the password")).status) }
        #expect(statuses == Array(repeating: 403, count: 10) + [429])
        #expect(try await users.service.send(change(users, ada)).status == 429, "the right one is not looked at either")
        users.service.clock.advance(by: 15 * 60)
        #expect(try await users.signIn().status == 201)
    }

    @Test func `of two changes at once one is rejected`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp()
        let statuses = try await users.service.send([change(users, ada), change(users, ada)]).map { try $0.reply.status }
        #expect(statuses.sorted() == [204, 403])
    }

    @Test func `an idempotency key keeps no trace of the passwords, and its retry changes nothing`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp()
        let id = UUID()
        var request = try change(users, ada)
        request.id = id
        #expect(try await users.service.send(request).status == 204)
        let again = try await users.service.send(request)
        #expect(again.status == 204 && again.isReplayed)
        var other = try change(users, ada, current: Self.new)
        other.id = id
        #expect(try await users.service.send(other).isReplayed, "the inbox cannot distinguish passwords")
    }

    @Test(arguments: [("e\u{301}", 5, 422), ("\u{e9}", 10, 204), ("e\u{301}", 256, 204), ("e\u{301}", 257, 422)])
    func `a password's length is measured in its normalised form`(letter: String, count: Int, status: Int) async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp()
        let password = String(repeating: letter, count: count)
        let request = try Request("users.password.change", ["current": UsersHarness.password, "password": password], caller: ada.caller)
        #expect(try await users.service.send(request).status == status)
    }

    @Test(arguments: [(["current": "x", "password": "short"], ["password"]), (["password": new], ["current"]), (["current": "x", "password": new, "x": "y"], ["x"])])
    func `errors in a change are named`(body: [String: String], fields: [String]) async throws {
        let users = try await UsersHarness()
        let reply = try await users.service.send(Request("users.password.change", body, caller: Caller(id: UUID(), role: .customer)))
        #expect(reply.problem?.errors?.map(\.field) == fields)
    }

    // MARK: Forgotten

    private func askForReset(_ users: UsersHarness, _ email: String = "ada@example.com", from address: String? = nil) async throws -> (reply: Reply, mails: [AccountMail]) {
        let asked = await users.service.send([
            try Request("users.passwordResets.create", ["email": email], parameters: address.map { [Request.clientAddress: $0] } ?? [:])
        ])
        let follow = asked[0].outputs.filter { $0.key == MessageName.preparePasswordReset }.map { output in
            Request(id: UUID(), operation: output.key, body: output.body)
        }
        return (try asked[0].reply, try UsersHarness.mails(await users.service.send(follow)))
    }

    private func reset(_ token: String, _ password: String = new) throws -> Request {
        try Request("users.passwordResets.confirm", ["password": password], parameters: ["token": hash(token)])
    }

    @Test func `a reader of the account's mail sets a new password, and every session ends`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp()
        let session: NewSession = try await users.signIn().decoded()
        let mail = try #require(try await askForReset(users, "ADA@example.com").mails.first)
        #expect(mail.kind == .passwordReset && mail.email == "ada@example.com")
        #expect(mail.expiresAt == users.service.clock.now().addingTimeInterval(3_600))
        let token = try await users.deliver(mail)
        let result = await users.service.send([try reset(token)])
        #expect(try result[0].reply.status == 204)
        #expect(try UsersHarness.mails(result).map(\.kind) == [.passwordChanged])
        #expect(try await users.resolve(session.token).status == 404)
        #expect(try await users.signIn("ada@example.com", Self.new).status == 201)
        #expect(try await users.signIn().status == 401)
        #expect(try await users.profile(ada).verified)
        #expect(try await users.service.send(reset(token)).status == 404)
    }

    @Test func `the answer does not reveal whether there is an account, and nothing is looked up before it`() async throws {
        let users = try await UsersHarness()
        _ = try await users.signUp()
        let known = await users.service.send([try Request("users.passwordResets.create", ["email": "ada@example.com"])])
        let unknown = await users.service.send([try Request("users.passwordResets.create", ["email": "nobody@example.com"])])
        #expect(try known[0].reply == unknown[0].reply)
        #expect(try known[0].reply.status == 202)
        #expect(known[0].outputs.map(\.key) == unknown[0].outputs.map(\.key))
        #expect(try await askForReset(users, "nobody@example.com").mails.isEmpty)
    }

    @Test func `a reset works for an hour, and a new one or a changed password ends it`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp()
        let first = try await users.deliver(try #require(try await askForReset(users).mails.first))
        let second = try await users.deliver(try #require(try await askForReset(users).mails.first))
        #expect(try await users.service.send(reset(first)).status == 404)
        users.service.clock.advance(by: 3_600)
        #expect(try await users.service.send(reset(second)).status == 404)
        let third = try await users.deliver(try #require(try await askForReset(users).mails.first))
        #expect(try await users.service.send(change(users, ada)).status == 204)
        #expect(try await users.service.send(reset(third)).status == 404)
    }

    @Test func `a disabled account is sent no mail`() async throws {
        let users = try await UsersHarness()
        _ = try await users.signUp()
        try await users.service.database.withConnection { _ = try await $0.execute("UPDATE accounts SET disabled = true") }
        #expect(try await askForReset(users).mails.isEmpty)
    }

    @Test func `resets are counted by address and network, apart from sign-ins`() async throws {
        let users = try await UsersHarness()
        _ = try await users.signUp()
        var statuses: [Int] = []
        for _ in 0..<11 { statuses.append(try await askForReset(users, from: "192.0.2.1").reply.status) }
        #expect(statuses == Array(repeating: 202, count: 10) + [429])
        #expect(try await askForReset(users, from: "192.0.2.2").reply.status == 202, "strangers do not keep an owner from it")
        #expect(try await askForReset(users, from: "192.0.2.2").mails.isEmpty, "and no mailbox is filled: five an hour")
        #expect(try await users.signIn("ada@example.com", from: "192.0.2.1").status == 201)
    }
}
