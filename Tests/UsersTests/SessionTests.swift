import Contracts
import FoundationEssentials
import LocalServers
import PostgreSQL
import Secrets
import TestKit
import Testing

@testable import JSON
@testable import Messaging
@testable import ServiceKit
@testable import Users

@Suite struct SessionTests {
    @Test func `one query answers for a batch of tokens, good and bad`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp("ada@example.com")
        let grace = try await users.signUp("grace@example.com")
        let first: NewSession = try await users.signIn("ada@example.com").decoded()
        let second: NewSession = try await users.signIn("grace@example.com").decoded()
        let hashes = [hash(first.token), hash("no such token"), "not hexadecimal", hash(second.token), hash(first.token)]
        let replies = try await users.service.ask(hashes.map { try Request("users.sessions.resolve", ["tokenHash": $0]) })
        #expect(replies.map(\.status) == [200, 404, 404, 200, 200])
        #expect(try [0, 3, 4].map { try replies[$0].decoded(ResolvedSession.self).userID } == [ada.id, grace.id, ada.id])
    }

    @Test func `a session expires`() async throws {
        let users = try await UsersHarness()
        _ = try await users.signUp()
        let session: NewSession = try await users.signIn().decoded()
        users.service.clock.advance(by: 30 * 86_400 - 1)
        #expect(try await users.resolve(session.token).status == 200)
        users.service.clock.advance(by: 1)
        #expect(try await users.resolve(session.token).status == 404)
    }

    @Test func `signing out ends this session only, and informs every ingress`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp()
        let first: NewSession = try await users.signIn().decoded()
        let second: NewSession = try await users.signIn().decoded()
        let request = try Request("users.sessions.deleteCurrent", parameters: ["session": hash(first.token)], caller: ada.caller)
        let result = await users.service.send([request])[0]
        #expect(try result.reply.status == 204)
        let event = try #require(result.outputs.first)
        #expect(event.destination == .broadcast(MessageName.sessionRevoked))
        #expect(try JSON.decode(SessionRevoked.self, from: event.body).userID == ada.id)
        #expect(try await users.resolve(first.token).status == 404)
        #expect(try await users.resolve(second.token).status == 200)
        #expect(try await users.service.send(request).status == 204, "a second time too")
    }

    @Test func `only its owner can end a session`() async throws {
        let users = try await UsersHarness()
        _ = try await users.signUp("ada@example.com")
        let grace = try await users.signUp("grace@example.com")
        let session: NewSession = try await users.signIn("ada@example.com").decoded()
        let replies = try await users.service.send([
            Request("users.sessions.deleteCurrent", parameters: ["session": hash(session.token)], caller: grace.caller),
            Request("users.sessions.deleteCurrent", parameters: ["session": hash(session.token)]),
            Request("users.sessions.deleteCurrent", parameters: ["session": "nonsense"], caller: grace.caller),
            Request("users.sessions.deleteAll", caller: grace.caller),
        ]).map { try $0.reply.status }
        #expect(replies == [204, 401, 401, 204])
        #expect(try await users.resolve(session.token).status == 200)
    }

    @Test func `all sessions end at once`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp()
        let sessions = try await [users.signIn(), users.signIn()].map { try $0.decoded(NewSession.self) }
        let result = await users.service.send([try Request("users.sessions.deleteAll", caller: ada.caller)])[0]
        #expect(try result.reply.status == 204)
        #expect(result.outputs.map(\.key).contains(MessageName.sessionRevoked))
        for session in sessions { #expect(try await users.resolve(session.token).status == 404) }
    }

    @Test func `own sessions are listed newest first, page by page, the present one marked`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp("ada@example.com")
        _ = try await users.signUp("grace@example.com")
        _ = try await users.signIn("grace@example.com")
        var tokens: [String] = []
        for _ in 0..<3 {
            tokens.append(try await users.signIn().decoded(NewSession.self).token)
            users.service.clock.advance(by: 0.000_001)
        }
        let parameters = ["limit": "2", "session": hash(tokens[0])]
        let first: SessionList = try await users.service.ask(Request("users.sessions.list", parameters: parameters, caller: ada.caller)).decoded()
        #expect(first.items.map(\.current) == [false, false])
        let next = try parameters.merging(["cursor": #require(first.nextCursor)]) { $1 }
        let second: SessionList = try await users.service.ask(Request("users.sessions.list", parameters: next, caller: ada.caller)).decoded()
        #expect(second.items.map(\.current) == [true])
        #expect(second.nextCursor == nil)
        #expect(Set((first.items + second.items).map(\.id)).count == 3)
    }

    @Test func `a cursor of another list is rejected`() async throws {
        let users = try await UsersHarness()
        let cursor = Base64URL.encode(try JSON.encode(["a", "b"]))
        let reply = try await users.service.ask(
            Request("users.sessions.list", parameters: ["cursor": cursor], caller: Caller(id: UUID(), role: .customer)))
        #expect(reply.problem?.errors?.map(\.field) == ["cursor"])
    }

    @Test func `past the limit of an account, the oldest session ends`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp()
        let database = users.service.database
        let account = try #require(try await database.withConnection { try await Store.accounts([ada.id], on: $0)[ada.id] })
        let oldest: NewSession = try await users.signIn().decoded()
        users.service.clock.advance(by: 1)
        let now = users.service.clock.now()
        let sessions = (0..<Store.maximumSessions).map { _ in Users.NewSession(id: UUID(), token: SecureRandom.token(), account: account) }
        let begun = try await database.transaction {
            try await Store.begin(sessions, now: now, expiresAt: now.addingTimeInterval(60), on: $0)
        }
        #expect(begun.count == Store.maximumSessions)
        #expect(try await users.resolve(oldest.token).status == 404)
        #expect(try await users.allSessions(of: ada.id) == Store.maximumSessions)
    }

    @Test func `two sign-ins at once leave no more sessions than an account may have`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp()
        let database = users.service.database
        let account = try #require(try await database.withConnection { try await Store.accounts([ada.id], on: $0)[ada.id] })
        let now = users.service.clock.now()
        let sessions = (0..<Store.maximumSessions).map { _ in Users.NewSession(id: UUID(), token: SecureRandom.token(), account: account) }
        _ = try await database.transaction {
            try await Store.begin(sessions, now: now, expiresAt: now.addingTimeInterval(60), on: $0)
        }
        let later = now.addingTimeInterval(1)
        let begin = { @Sendable (transaction: any SQLConnection) in
            let session = Users.NewSession(id: UUID(), token: SecureRandom.token(), account: account)
            return try await Store.begin([session], now: later, expiresAt: later.addingTimeInterval(60), on: transaction).count
        }
        let begun = try await withThrowingTaskGroup(of: Int.self) { group in
            let first = try await database.transaction { transaction in
                let begun = try await begin(transaction)
                group.addTask { try await database.transaction { try await begin($0) } }
                try await eventually("The second waits for the first") {
                    // Within a transaction the view stays as it was first seen.
                    try await transaction.execute("SELECT pg_stat_clear_snapshot()")
                    return try await !transaction.query(
                        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
                    ).isEmpty
                }
                return begun
            }
            return try await group.reduce(first, +)
        }
        #expect(begun == 2)
        #expect(try await users.allSessions(of: ada.id) == Store.maximumSessions)
        await database.close()
    }

    @Test func `no session begins when the password has changed since it was verified`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp()
        let database = users.service.database
        let account = try #require(try await database.withConnection { try await Store.accounts([ada.id], on: $0)[ada.id] })
        try await database.withConnection { _ = try await $0.execute("UPDATE accounts SET password_hash = 'another'") }
        let now = users.service.clock.now()
        let begun = try await database.transaction {
            try await Store.begin([Users.NewSession(id: UUID(), token: "t", account: account)], now: now, expiresAt: now, on: $0)
        }
        #expect(begun.isEmpty)
    }
}
