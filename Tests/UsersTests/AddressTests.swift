import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import Messaging
@testable import ServiceKit
@testable import Users

@Suite struct AddressTests {
    private static let london = #""name": "Ada", "line1": "12 St James Square", "city": "London", "postalCode": "SW1Y 4JH", "country": "GB""#

    private struct List: Decodable {
        let items: [AddressView]
        let nextCursor: String?
    }

    private func request(_ operation: String, _ body: String?, _ parameters: [String: String] = [:], by user: User) throws -> Request {
        var request = try Request("users.addresses.\(operation)", parameters: parameters, caller: user.caller)
        request.body = body.map { Array($0.utf8) } ?? []
        return request
    }

    private func create(_ users: UsersHarness, _ user: User, _ more: String = "") async throws -> AddressView {
        let reply = try await users.service.send(request("create", "{\(Self.london)\(more)}", by: user))
        #expect(reply.status == 201)
        let view: AddressView = try reply.decoded()
        #expect(reply.headers["location"] == "/v1/users/me/addresses/\(view.id.uuidString.lowercased())")
        return view
    }

    private func list(_ users: UsersHarness, _ user: User, _ parameters: [String: String] = [:]) async throws -> List {
        try await users.service.ask(request("list", nil, parameters, by: user)).decoded()
    }

    @Test func `an address is added, read, replaced and removed by its owner alone`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp("ada@example.com")
        let grace = try await users.signUp("grace@example.com")
        let home = try await create(users, ada, #", "label": "Home", "phone": "+44 20 7946 0000""#)
        let id = ["id": home.id.uuidString]
        let read = try await users.service.ask(request("get", nil, id, by: ada))
        #expect(try read.decoded(AddressView.self).label == "Home")
        #expect(try await users.service.ask(request("get", nil, id, by: grace)).status == 404)
        #expect(try await users.service.send(request("replace", "{\(Self.london)}", id, by: grace)).status == 404)
        #expect(try await users.service.send(request("delete", nil, id, by: grace)).status == 404)
        let stale = id.merging(["if-match": "\"other\""]) { $1 }
        #expect(try await users.service.send(request("replace", "{\(Self.london)}", stale, by: ada)).status == 412)
        #expect(try await users.service.send(request("delete", nil, stale, by: ada)).status == 412)
        let fresh = try id.merging(["if-match": #require(read.headers["etag"])]) { $1 }
        let replaced = try await users.service.send(request("replace", "{\(Self.london)}", fresh, by: ada))
        #expect(replaced.status == 200)
        #expect(try replaced.decoded(AddressView.self).label == nil, "what is left out is gone")
        #expect(try replaced.decoded(AddressView.self).createdAt == home.createdAt)
        #expect(try await users.service.send(request("delete", nil, id, by: ada)).status == 204)
        #expect(try await users.service.ask(request("get", nil, id, by: ada)).status == 404)
        #expect(try await users.service.send(request("delete", nil, id, by: ada)).status == 404)
    }

    @Test func `an account has one default of each kind, the last that was set`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp("ada@example.com")
        let grace = try await users.signUp("grace@example.com")
        _ = try await create(users, grace, #", "isDefaultShipping": true"#)
        let first = try await create(users, ada, #", "isDefaultShipping": true, "isDefaultBilling": true"#)
        users.service.clock.advance(by: 1)
        let second = try await create(users, ada, #", "isDefaultShipping": true"#)
        #expect(try await list(users, ada).items.map(\.isDefaultShipping) == [false, true])
        #expect(try await list(users, ada).items.map(\.isDefaultBilling) == [true, false])
        #expect(try await list(users, grace).items.map(\.isDefaultShipping) == [true])
        let body = "{\(Self.london), \"isDefaultBilling\": true}"
        #expect(try await users.service.send(request("replace", body, ["id": second.id.uuidString], by: ada)).status == 200)
        #expect(try await list(users, ada).items.map(\.isDefaultShipping) == [false, false])
        #expect(try await list(users, ada).items.map(\.isDefaultBilling) == [false, true])
        #expect(try await list(users, ada).items.map(\.id) == [first.id, second.id])
    }

    @Test(arguments: [
        (#"{"name": "A", "line1": "1", "city": "Berlin", "country": "DE"}"#, ["postalCode"]), (#"{"name": "A", "line1": "1", "city": "X", "postalCode": "1", "country": "UK"}"#, ["country"]),
        (#"{"name": "A", "line1": "1", "city": "New York", "postalCode": "1", "country": "US"}"#, ["region"]), (#"{"line1": "1", "city": "HK", "country": "HK"}"#, ["name"]),
        (#"{"name": "A", "line1": "1", "city": "HK", "country": "HK", "isDefaultShipping": "yes"}"#, ["isDefaultShipping"]),
        (#"{"name": "A", "line1": "1\u0000", "city": "HK", "country": "HK", "default": true}"#, ["line1", "default"]),
    ])
    func `errors in an address are named`(body: String, fields: [String]) async throws {
        let users = try await UsersHarness()
        let reply = try await users.service.send(request("create", body, by: try await users.signUp()))
        #expect(reply.status == 422)
        #expect(reply.problem?.errors?.map(\.field) == fields)
    }

    @Test func `addresses are listed oldest first, page by page, and a book is full at fifty`() async throws {
        let users = try await UsersHarness()
        let ada = try await users.signUp()
        var ids: [UUID] = []
        for _ in 0..<Addresses.maximum {
            ids.append(try await create(users, ada).id)
            users.service.clock.advance(by: 0.001)
        }
        let full = try await users.service.send(request("create", "{\(Self.london)}", by: ada))
        #expect(full.status == 409 && full.problem?.type.hasSuffix("address-book-full") == true)
        var found: [UUID] = []
        var cursor: String?
        repeat {
            let page = try await list(users, ada, cursor.map { ["limit": "20", "cursor": $0] } ?? ["limit": "20"])
            found += page.items.map(\.id)
            cursor = page.nextCursor
        } while cursor != nil
        #expect(found == ids)
    }
}
