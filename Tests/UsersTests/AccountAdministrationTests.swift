import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import Messaging
@testable import ServiceKit
@testable import Users

@Suite struct AccountAdministrationTests {
    private static let admin = Caller(id: UUID(), role: .admin)

    private struct List: Decodable {
        let items: [AccountView]
        let nextCursor: String?
    }

    private func list(_ users: UsersHarness, _ parameters: [String: String]) async throws -> List {
        try await users.service.ask(Request("users.accounts.list", parameters: parameters, caller: Self.admin)).decoded()
    }

    private func signUp(_ users: UsersHarness, _ email: String, _ name: String) async throws -> User {
        defer { users.service.clock.advance(by: 1) }
        return try await users.service.send(
            Request("users.accounts.create", ["email": email, "password": UsersHarness.password, "name": name])
        ).decoded()
    }

    private func update(_ users: UsersHarness, _ id: UUID, _ body: String, ifMatch: String? = nil, by caller: Caller = admin) async throws -> (reply: Reply, keys: [String]) {
        var request = try Request(
            "users.accounts.update", parameters: ["id": id.uuidString].merging(ifMatch.map { ["if-match": $0] } ?? [:]) { $1 }, caller: caller)
        request.body = Array(body.utf8)
        let result = await users.service.send([request])[0]
        return (try result.reply, result.outputs.map(\.key))
    }

    @Test(
        arguments: [
            ("ada@", ["Ada Lovelace"]), ("ADA", ["Ada Byron", "Ada Lovelace"]), ("love", ["Ada Lovelace"]), ("lovelace ada", ["Ada Lovelace"]), ("grace.hopper@", ["Grace Hopper"]),
            ("hop", ["Grace Hopper"]), ("opper", []), ("@example.com", []), ("%", []), ("' | !", []), ("\u{0D4E}&", []), ("\u{0D4E}'", []), ("byron:*", ["Ada Byron"]),
            ("Ångström", ["Anders Ångström"]), (" ", nil),
        ] as [(String, [String]?)])
    func `accounts are found by the beginning of an address, and by prefixes of words of a name`(search: String, names: [String]?) async throws {
        let users = try await UsersHarness()
        _ = try await signUp(users, "ada@example.com", "Ada Lovelace")
        _ = try await signUp(users, "byron@example.com", "Ada Byron")
        _ = try await signUp(users, "Grace.Hopper@example.com", "Grace Hopper")
        _ = try await signUp(users, "unit@example.com", "Anders Ångström")
        let found = try await list(users, ["search": search]).items.map(\.name)
        #expect(found == names ?? ["Anders Ångström", "Grace Hopper", "Ada Byron", "Ada Lovelace"])
    }

    @Test func `a search uses the indexes for addresses and names`() async throws {
        let users = try await UsersHarness()
        try await users.service.database.withConnection { connection in
            _ = try await connection.execute("SET enable_seqscan = off")
            let rows = try await connection.query(
                """
                EXPLAIN SELECT id FROM accounts
                WHERE email_key ~>=~ \("ada") AND email_key ~<~ \("adb") OR to_tsvector('simple', name) @@ to_tsquery('simple', \("ada:*"))
                """)
            let plan = try rows.map { try $0.decode(0, as: String.self) }.joined(separator: "\n")
            #expect(plan.contains("accounts_email_prefix") && plan.contains("accounts_name_words"), "\(plan)")
        }
    }

    @Test func `accounts are listed newest first, page by page`() async throws {
        let users = try await UsersHarness()
        for index in 0..<5 { _ = try await signUp(users, "user\(index)@example.com", "User \(index)") }
        var names: [String] = []
        var cursor: String?
        repeat {
            let page = try await list(users, cursor.map { ["limit": "2", "cursor": $0, "search": "user"] } ?? ["limit": "2", "search": "user"])
            names += page.items.map(\.name)
            cursor = page.nextCursor
        } while cursor != nil
        #expect(names == (0..<5).reversed().map { "User \($0)" })
    }

    @Test func `a cursor of another search is rejected`() async throws {
        let users = try await UsersHarness()
        for index in 0..<3 { _ = try await signUp(users, "user\(index)@example.com", "User \(index)") }
        let cursor = try #require(try await list(users, ["limit": "1", "search": "user"]).nextCursor)
        for search in [nil, "use"] {
            var parameters = ["cursor": cursor]
            parameters["search"] = search
            let request = try Request("users.accounts.list", parameters: parameters, caller: Self.admin)
            #expect(throws: Problem.self) { _ = try ListAccounts.read(request) }
        }
        #expect(try await list(users, ["search": " user", "cursor": cursor]).items.count == 2)
    }

    @Test func `a disabled account's sessions end, and it opens none before it is enabled again`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp()
        let session: NewSession = try await users.signIn().decoded()
        let (reply, keys) = try await update(users, ada.id, #"{"disabled": true}"#)
        #expect(reply.status == 200)
        #expect(try reply.decoded(AccountView.self).disabled)
        #expect(keys.contains(MessageName.sessionRevoked))
        #expect(try await users.resolve(session.token).status == 404)
        #expect(try await users.signIn().status == 401)
        #expect(try await users.allSessions(of: ada.id) == 0)
        #expect(try await update(users, ada.id, #"{"disabled": false}"#).reply.status == 200)
        #expect(try await users.resolve(session.token).status == 404)
        #expect(try await users.signIn().status == 201)
    }

    @Test func `a role takes effect with the next request`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp()
        let session: NewSession = try await users.signIn().decoded()
        let (_, keys) = try await update(users, ada.id, #"{"role": "admin"}"#)
        #expect(keys.contains(MessageName.sessionRevoked), "or ingresses remember the old one")
        #expect(try await users.resolve(session.token).decoded(ResolvedSession.self).role == .admin)
    }

    @Test func `administrators cannot lock themselves out`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp()
        let own = Caller(id: ada.id, role: .admin)
        #expect(try await update(users, ada.id, #"{"role": "admin"}"#).reply.status == 200)
        for body in [#"{"disabled": true}"#, #"{"role": "customer"}"#] {
            #expect(try await update(users, ada.id, body, by: own).reply.problem?.type.hasSuffix("own-account") == true)
        }
        #expect(try await update(users, ada.id, #"{"role": "admin", "disabled": false}"#, by: own).reply.status == 200)
    }

    @Test func `a change is conditional, and names the fields that it cannot change`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp()
        let shown = try await users.service.ask(Request("users.accounts.get", parameters: ["id": ada.id.uuidString], caller: Self.admin))
        let tag = try #require(shown.headers["etag"])
        #expect(try await update(users, ada.id, #"{"disabled": true}"#, ifMatch: tag).reply.status == 200)
        #expect(try await update(users, ada.id, #"{"disabled": false}"#, ifMatch: tag).reply.status == 412)
        #expect(try await update(users, ada.id, #"{"role": null}"#).reply.problem?.errors?.map(\.field) == ["role"])
        #expect(try await update(users, ada.id, #"{"role": "owner"}"#).reply.problem?.errors?.map(\.field) == ["role"])
        #expect(try await update(users, UUID(), "{}").reply.status == 404)
        #expect(try await users.service.ask(Request("users.accounts.get", parameters: ["id": "x"], caller: Self.admin)).status == 404)
    }
}
