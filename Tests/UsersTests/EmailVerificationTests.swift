import Contracts
import FoundationEssentials
import PostgreSQL
import Secrets
import Testing

@testable import Messaging
@testable import ServiceKit
@testable import Users

@Suite struct EmailVerificationTests {
    @Test func `a sign-up requests a mail, without its token, and the token verifies the address once`() async throws {
        let users = try await UsersHarness()
        let (ada, mail) = try await users.signUpMailed()
        #expect(!ada.verified)
        #expect(mail.kind == .emailVerification && mail.email == "ada@example.com" && mail.name == "Ada")
        #expect(mail.expiresAt == users.service.clock.now().addingTimeInterval(86_400))
        let token = try await users.deliver(mail)
        let result = await users.service.send([try Request("users.emailVerifications.confirm", parameters: ["token": hash(token)])])
        #expect(try result[0].reply.status == 204)
        #expect(result[0].outputs.map(\.key).contains(MessageName.sessionRevoked), "ingresses remember the old address")
        #expect(try await users.profile(ada).verified)
        #expect(try await users.verify(token).problem?.type.hasSuffix("link-ended") == true)
    }

    @Test func `only the hash of a token is stored, and no message of users holds one`() async throws {
        let users = try await UsersHarness()
        let (_, mail) = try await users.signUpMailed()
        let token = try await users.deliver(mail)
        let hits = try await users.service.count(
            "SELECT (SELECT count(*) FROM links WHERE links::text LIKE '%' || \(token) || '%') + (SELECT count(*) FROM inbox WHERE outputs::text LIKE '%' || \(token) || '%')")
        #expect(hits == 0)
        #expect(try await users.service.count("SELECT count(*) FROM links WHERE token_hash = \(SHA256.hash(token))") == 1)
    }

    @Test func `a code is valid for 24 hours, and a new one invalidates it at once`() async throws {
        let users = try await UsersHarness()
        let (ada, first) = try await users.signUpMailed()
        let old = try await users.deliver(first)
        let again = await users.service.send([try Request("users.emailVerifications.create", caller: ada.caller)])
        #expect(try again[0].reply.status == 202)
        let second = try #require(try UsersHarness.mails(again).first)
        #expect(try await users.verify(old).status == 404, "while the new one is under way")
        let late = try Request(MessageName.armLink, ["id": first.id.uuidString, "tokenHash": hash(old)])
        #expect(try await users.service.send(late).status == 404, "and when the mailer is slow with the old one")
        let new = try await users.deliver(second)
        users.service.clock.advance(by: 86_400)
        #expect(try await users.verify(new).status == 404)
        let third = try #require(try UsersHarness.mails(await users.service.send([try Request("users.emailVerifications.create", caller: ada.caller)])).first)
        let token = try await users.deliver(third)
        users.service.clock.advance(by: 86_399)
        #expect(try await users.verify(token).status == 204)
        #expect(try await users.service.send(Request("users.emailVerifications.create", caller: ada.caller)).status == 409)
    }

    @Test func `two requests with one code at once count as one`() async throws {
        let users = try await UsersHarness()
        let (_, mail) = try await users.signUpMailed()
        let token = try await users.deliver(mail)
        let request = { try Request("users.emailVerifications.confirm", parameters: ["token": hash(token)]) }
        #expect(try await users.service.send([request(), request()]).map { try $0.reply.status } == [204, 404])
    }

    @Test(arguments: [nil, "", "a", String(repeating: "0", count: 64)])
    func `a code that was never sent is 404`(token: String?) async throws {
        let users = try await UsersHarness()
        let parameters = token.map { ["token": $0] } ?? [:]
        #expect(try await users.service.send(Request("users.emailVerifications.confirm", parameters: parameters)).status == 404)
    }

    @Test func `no account is sent more than five mails an hour`() async throws {
        let users = try await UsersHarness()
        let (ada, _) = try await users.signUpMailed()
        var statuses: [Int] = []
        for _ in 0..<5 { statuses.append(try await users.service.send(Request("users.emailVerifications.create", caller: ada.caller)).status) }
        #expect(statuses == [202, 202, 202, 202, 429])
        let refused = try await users.service.send(Request("users.emailVerifications.create", caller: ada.caller))
        #expect(refused.headers["retry-after"] == "3600")
        users.service.clock.advance(by: 3_600)
        #expect(try await users.service.send(Request("users.emailVerifications.create", caller: ada.caller)).status == 202)
    }

    // MARK: A new address

    private func change(_ users: UsersHarness, _ user: User, to email: String, password: String = UsersHarness.password) async throws -> [AccountMail] {
        let result = await users.service.send([try Request("users.email.change", ["email": email, "password": password], caller: user.caller)])
        #expect(try result[0].reply.status == 202)
        return try UsersHarness.mails(result)
    }

    @Test func `a new address takes effect once its owner has verified it, and the old one is notified`() async throws {
        let users = try await UsersHarness()
        let (ada, _) = try await users.signUpMailed()
        let mails = try await change(users, ada, to: "Ada@New.example.com")
        #expect(mails.map(\.kind) == [.emailChange, .emailChangeRequested])
        #expect(mails.map(\.email) == ["Ada@New.example.com", "ada@example.com"])
        #expect(try await users.profile(ada).email == "ada@example.com")
        let token = try await users.deliver(try #require(mails.first))
        #expect(try await users.verify(token).status == 204)
        let changed = try await users.profile(ada)
        #expect(changed.email == "Ada@New.example.com" && changed.verified)
        #expect(try await users.signIn("ada@new.example.com").status == 201)
        #expect(try await users.signIn("ada@example.com").status == 401)
    }

    @Test func `the address that an account is leaving verifies nothing any longer`() async throws {
        let users = try await UsersHarness()
        let (ada, first) = try await users.signUpMailed()
        let old = try await users.deliver(first)
        let new = try await users.deliver(try #require(try await change(users, ada, to: "ada@new.example.com").first))
        #expect(try await users.verify(new).status == 204)
        #expect(try await users.verify(old).status == 404)
    }

    @Test func `a code that went to another address than the account's verifies nothing, however the address has changed`() async throws {
        let users = try await UsersHarness()
        let (ada, mail) = try await users.signUpMailed()
        let token = try await users.deliver(mail)
        try await users.service.database.withConnection { connection in
            _ = try await connection.execute("UPDATE accounts SET email = 'ada@other.example.com', email_key = 'ada@other.example.com'")
        }
        #expect(try await users.verify(token).status == 404)
        #expect(try await !users.profile(ada).verified)
    }

    @Test func `a change of password stops a change of address`() async throws {
        let users = try await UsersHarness()
        let (ada, _) = try await users.signUpMailed()
        let token = try await users.deliver(try #require(try await change(users, ada, to: "eve@example.com").first))
        let body = ["current": UsersHarness.password, "password": "another battery"]
        #expect(try await users.service.send(Request("users.password.change", body, caller: ada.caller)).status == 204)
        #expect(try await users.verify(token).status == 404)
    }

    @Test func `an address of another account is rejected, also when it is taken meanwhile`() async throws {
        let users = try await UsersHarness()
        let (ada, _) = try await users.signUpMailed()
        _ = try await users.signUp("grace@example.com")
        let taken = try Request("users.email.change", ["email": "Grace@example.com", "password": UsersHarness.password], caller: ada.caller)
        #expect(try await users.service.send(taken).status == 409)
        let token = try await users.deliver(try #require(try await change(users, ada, to: "ada@new.example.com").first))
        _ = try await users.signUp("ada@new.example.com")
        #expect(try await users.verify(token).status == 409)
        #expect(try await users.profile(ada).email == "ada@example.com")
    }

    @Test func `a session alone changes no address`() async throws {
        let users = try await UsersHarness()
        let (ada, _) = try await users.signUpMailed()
        let wrong = try Request("users.email.change", ["email": "eve@example.com", "password": "not the password"], caller: ada.caller)
        let result = await users.service.send([wrong])
        #expect(try result[0].reply.status == 403)
        #expect(try UsersHarness.mails(result).isEmpty)
    }
}
