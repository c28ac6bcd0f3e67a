import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import JSON
@testable import Messaging
@testable import ServiceKit
@testable import Users

@Suite struct ProfileTests {
    private func patch(_ users: UsersHarness, _ user: User, _ body: String, ifMatch: String? = nil) async throws -> Reply {
        var request = try Request("users.me.update", parameters: ifMatch.map { ["if-match": $0] } ?? [:], caller: user.caller)
        request.body = Array(body.utf8)
        return try await users.service.send(request)
    }

    @Test func `a patch changes the fields that it names, and null clears optional ones`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp()
        let changed = try await patch(users, ada, #"{"name": " Ada King ", "locale": "en-GB"}"#)
        #expect(changed.status == 200)
        #expect(try changed.decoded(User.self).name == "Ada King")
        #expect(try await users.profile(ada).locale == "en-GB")
        #expect(try await patch(users, ada, #"{"locale": null}"#).decoded(User.self).locale == nil)
        let same = try await patch(users, ada, "{}").decoded(User.self)
        #expect(same.name == "Ada King" && same.locale == nil)
    }

    @Test func `the channels of notifications are changed one by one, and each change is reported once, in order`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp()
        struct Channels: Decodable { let notifications: ChannelPreferences }
        func change(_ body: String) async throws -> (ChannelPreferences, [SetPreferences]) {
            var request = try Request("users.me.update", caller: ada.caller)
            request.body = Array(body.utf8)
            let result = await users.service.send([request])[0]
            let sent = result.outputs.filter { $0.key == MessageName.setPreferences }
            return (try result.reply.decoded(Channels.self).notifications, try sent.map { try JSON.decode(SetPreferences.self, from: $0.body) })
        }
        let first = try await change(#"{"notifications": {"sms": false}}"#)
        #expect(first.0 == ChannelPreferences(email: true, sms: false) && first.1.map(\.revision) == [1] && first.1.map(\.preferences) == [first.0])
        #expect(try await change(#"{"notifications": {"sms": false}}"#).1.isEmpty)
        #expect(try await change(#"{"notifications": {}, "name": "Ada"}"#).1.isEmpty)
        let second = try await change(#"{"notifications": {"email": false}}"#)
        #expect(second.0 == ChannelPreferences(email: false, sms: false) && second.1.map(\.revision) == [2])
        let profile = try await users.service.ask(Request("users.me.get", caller: ada.caller)).decoded(Channels.self)
        #expect(profile.notifications == second.0)
    }

    @Test(arguments: [
        (#"{"notifications": null}"#, "notifications"), (#"{"notifications": true}"#, "notifications"), (#"{"notifications": {"sms": null}}"#, "notifications.sms"),
        (#"{"notifications": {"sms": 1}}"#, "notifications.sms"), (#"{"notifications": {"pigeon": true}}"#, "notifications.pigeon"),
        (#"{"name": null}"#, "name"), (#"{"name": ""}"#, "name"), (#"{"name": "a\u0007"}"#, "name"), (#"{"locale": "english"}"#, "locale"), (#"{"locale": "e"}"#, "locale"),
        (#"{"locale": "en_GB"}"#, "locale"), (#"{"locale": "en-"}"#, "locale"), (#"{"email": "a@b.example"}"#, "email"), (#"{"role": "admin"}"#, "role"),
    ])
    func `fields that cannot be changed are named`(body: String, field: String) async throws {
        let users = try await UsersHarness()
        let reply = try await patch(users, try await users.signUp(), body)
        #expect(reply.status == 422)
        #expect(reply.problem?.errors?.map(\.field) == [field])
    }

    @Test func `a change from an outdated version is 412, also within one batch`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp()
        let tag = try #require(try await users.service.ask(Request("users.me.get", caller: ada.caller)).headers["etag"])
        let requests = try ["One", "Two"].map { name in
            try Request("users.me.update", ["name": name], parameters: ["if-match": tag], caller: ada.caller)
        }
        let replies = try await users.service.send(requests).map { try $0.reply }
        #expect(replies.map(\.status) == [200, 412])
        #expect(try await users.profile(ada).name == "One")
        #expect(try await patch(users, ada, #"{"name": "Three"}"#, ifMatch: replies[0].headers["etag"]).status == 200)
    }

    // MARK: Sessions

    @Test func `a session is listed with where and when it was last seen`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp()
        let signIn = try Request(
            "users.sessions.create", ["email": "ada@example.com", "password": UsersHarness.password],
            parameters: [Request.clientAddress: "192.0.2.1", Request.clientAgent: "Shop/1.0"])
        let session: NewSession = try await users.service.send(signIn).decoded()
        let list = { try await users.service.ask(Request("users.sessions.list", caller: ada.caller)).decoded(SessionList.self).items.first }
        let began = users.service.clock.now()
        let first = try #require(try await list())
        #expect(first.address == "192.0.2.1" && first.userAgent == "Shop/1.0" && first.lastSeenAt == began)
        let seen = { (address: String) in
            try await users.service.ask(Request(MessageName.resolveSession, ["tokenHash": hash(session.token), "address": address]))
        }
        users.service.clock.advance(by: 60)
        #expect(try await seen("192.0.2.2").status == 200)
        #expect(try await list()?.lastSeenAt == began, "written once a minute at most")
        users.service.clock.advance(by: 1)
        #expect(try await seen("192.0.2.3").status == 200)
        let later = try #require(try await list())
        #expect(later.lastSeenAt == began.addingTimeInterval(61) && later.address == "192.0.2.3" && later.userAgent == "Shop/1.0")
    }

    @Test func `one session ends by its id, and only its owner can end it`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp("ada@example.com")
        let grace = try await users.signUp("grace@example.com")
        let kept: NewSession = try await users.signIn().decoded()
        users.service.clock.advance(by: 1)
        let lost: NewSession = try await users.signIn().decoded()
        let id = try #require(try await users.service.ask(Request("users.sessions.list", caller: ada.caller)).decoded(SessionList.self).items.first?.id)
        let end = { (id: String, caller: Caller) in try Request("users.sessions.delete", parameters: ["id": id], caller: caller) }
        #expect(try await users.service.send(end(id.uuidString, grace.caller)).status == 404)
        #expect(try await users.service.send(end("nonsense", ada.caller)).status == 404)
        let result = await users.service.send([try end(id.uuidString, ada.caller)])
        #expect(try result[0].reply.status == 204)
        #expect(result[0].outputs.map(\.key).contains(MessageName.sessionRevoked))
        #expect(try await users.resolve(lost.token).status == 404)
        #expect(try await users.resolve(kept.token).status == 200)
        #expect(try await users.service.send(end(id.uuidString, ada.caller)).status == 404)
    }
}
