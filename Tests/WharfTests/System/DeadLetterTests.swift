import FoundationEssentials
import JSON
import LocalServers
import Messaging
import Operations
import Secrets
import TestKit
import Testing
import WebClient

@testable import Assembly
@testable import Bench

/// A message that another client puts into a queue, as the broker's administrator.
struct ForeignMessage: Sendable {
    var id: String? = UUID().uuidString
    var type: String?
    var body: [UInt8] = Array("{}".utf8)
    /// JSON of RabbitMQ's management API.
    var headers: [String: JSONValue] = [:]

    func put(into queue: String, of wharf: RunningWharf) async throws {
        var properties: [String: JSONValue] = ["delivery_mode": 2, "headers": .object(headers)]
        properties["message_id"] = id.map { .string($0) }
        properties["type"] = type.map { .string($0) }
        let publication: JSONValue = .object([
            "properties": .object(properties), "routing_key": .string(queue), "payload": .string(Base64.encode(body)),
            "payload_encoding": "base64",
        ])
        let (url, user) = try Credentials.split(try #require(wharf.settings.managementURL))
        let credentials = Base64.encode(Array("\(user.user):\(user.password)".utf8))
        let answer = Answer(
            try await wharf.web.send(
                WebRequest(
                    method: "POST", url: "\(url)/api/exchanges/%2F/amq.default/publish",
                    headers: [("authorization", "Basic \(credentials)"), ("content-type", "application/json")], body: try JSON.encode(publication))))
        #expect(answer["routed"] == true)
    }
}

extension RunningWharf {
    /// The messages of all queues of these names, as RabbitMQ has counted them last.
    func waiting(_ isCounted: (String) -> Bool) async throws -> Int {
        let (url, user) = try Credentials.split(try #require(settings.managementURL))
        let credentials = Base64.encode(Array("\(user.user):\(user.password)".utf8))
        let answer = Answer(
            try await web.send(
                WebRequest(
                    url: "\(url)/api/queues/%2F?columns=name,messages", headers: [("authorization", "Basic \(credentials)")])))
        return answer.json.list.filter { isCounted($0["name"]?.text ?? "") }.reduce(0) { $0 + ($1["messages"]?.number ?? 0) }
    }
}

extension System {
    @Suite struct `Foreign messages` {
        @Test(arguments: [
            ("users.commands", "users.sessions.deleteAll"), ("users.queries", "users.sessions.resolve"),
            ("users.credentials", "users.sessions.create"), ("catalog.commands", "catalog.stock.reserve"),
            ("catalog.queries", "catalog.products.price"), ("carts.commands", "carts.checkouts.create"),
            ("carts.queries", "carts.carts.get"), ("orders.commands", "orders.checkouts.place"), ("orders.queries", "orders.orders.get"),
            ("payments.commands", "payments.charge"), ("notifications.commands", "order.confirmed"),
            ("deadletters.commands", "deadletters.letters.replay"),
        ])
        func `a malformed message in any queue becomes a dead letter with its cause, and its worker lives`(
            queue: String, operation: String
        ) async throws {
            let admin = try Visitor.admin()
            let restarts = try admin.wharf.restarts
            let before = Set(try await admin.letters(of: queue).map { $0["id"]?.text })
            func new() async throws -> [JSONValue] { try await admin.letters(of: queue).filter { !before.contains($0["id"]?.text) } }
            let messages = [
                ForeignMessage(id: nil, body: Array("garbage".utf8)),
                ForeignMessage(id: "17", type: operation),
                ForeignMessage(),
                ForeignMessage(type: "no.such.operation"),
                ForeignMessage(type: operation, body: [0xFF, 0x00, 0xFE]),
                ForeignMessage(type: operation, body: Array("[".utf8)),
                ForeignMessage(type: operation, headers: ["caller": "nobody", "role": "king"]),
                ForeignMessage(
                    type: operation, body: Array("[]".utf8),
                    headers: [
                        "attempt": .integer(.max), "deadline": "soon", "p.id": 5,
                        "failures": .array([.object(["at": .integer(.max), "worker": "w", "cause": "c", "detail": "d"]), 5]),
                    ]),
            ]
            for message in messages { try await message.put(into: queue, of: admin.wharf) }
            try await eventually("A dead letter of each") {
                try await new().count >= messages.count
            }
            let letters = try await new()
            #expect(letters.count == messages.count)
            #expect(letters.allSatisfy { $0["cause"]?.text?.isEmpty == false && $0["detail"]?.text?.isEmpty == false })
            let causes = Set(letters.compactMap { $0["cause"]?.text })
            #expect(causes.isSuperset(of: ["malformed-message", "unknown-operation"]))
            #expect(try admin.wharf.restarts == restarts)
        }

        @Test func `neighbours of malformed messages go through`() async throws {
            let admin = try Visitor.admin()
            let guest = try Visitor.guest()
            let sku = try await admin.newProduct()
            var carts: [String] = []
            for _ in 0..<5 { carts.append(try await guest.newCart()) }
            let answers = try await together(Array(carts.enumerated())) { place, cart in
                try await ForeignMessage(type: "carts.items.put", body: Array("{".utf8)).put(into: "carts.commands", of: admin.wharf)
                return try await guest.put("/v1/carts/\(cart)/items/\(sku)", #"{"quantity": \#(place + 1)}"#)
            }
            #expect(answers.map(\.status) == [200, 200, 200, 200, 200], "\(answers.map { String(decoding: $0.response.body, as: UTF8.self) })")
            #expect(answers.map { $0["items"]?.list.first?["quantity"]?.number } == [1, 2, 3, 4, 5])
        }

        @Test func `a message with an impossible request becomes a dead letter, and stock stays as it was`() async throws {
            let admin = try Visitor.admin()
            let sku = try await admin.newProduct(stock: 5)
            let before = try await admin.letters(of: "catalog.commands").count
            for quantity in [-5, 0, Int.max] {
                let line = #"{"sku": "\#(sku)", "quantity": \#(quantity)}"#
                let body = #"{"orderID": "\#(UUID().uuidString)", "lines": [\#(line), \#(line)]}"#
                try await ForeignMessage(type: "catalog.stock.reserve", body: Array(body.utf8)).put(into: "catalog.commands", of: admin.wharf)
            }
            try await eventually("Three dead letters") {
                try await admin.letters(of: "catalog.commands").count == before + 3
            }
            #expect(try await admin.stock(sku) == .init(onHand: 5, reserved: 0))
        }
    }

    @Suite struct `Foreign orders` {
        @Test(arguments: [
            (#""email": "a@b.c\r\nBcc: x@example.com""#, 1, 1), (#""email": "a@example.com""#, -5, -5), (#""email": "a@example.com""#, Int.max, 1),
            (#""email": "a@example.com""#, 2, 1),
        ])
        func `an order that no cart can have created is a dead letter, and no order`(email: String, quantity: Int, total: Int) async throws {
            let admin = try Visitor.admin()
            let sku = try await admin.newProduct()
            let price = #"{"amount": 1, "currency": "EUR"}"#
            let sum = #"{"amount": \#(total), "currency": "EUR"}"#
            let id = UUID().uuidString
            let body = """
                {"orderID": "\(id)", "cartID": "\(UUID().uuidString)", \(email), "total": \(sum),
                 "payment": {"gateway": "stripe", "paymentMethod": "pm_card_visa"},
                 "shippingAddress": {"name": "A", "line1": "1", "city": "C", "postalCode": "1", "country": "GB"},
                 "lines": [{"sku": "\(sku)", "name": "T", "quantity": \(quantity), "unitPrice": \(price), "lineTotal": \(sum)}]}
                """
            try await ForeignMessage(type: "orders.checkouts.place", body: Array(body.utf8)).put(into: "orders.commands", of: admin.wharf)
            try await eventually("The dead letter") {
                try await admin.letters(of: "orders.commands").contains { $0["detail"]?.text?.contains(id) == true }
            }
            #expect(try await admin.get("/v1/orders/\(id)").status == 404)
        }
    }

    @Suite struct `Dead letters` {
        @Test func `the command replays and discards several at once, and continues past a missing one`() async throws {
            let admin = try Visitor.admin()
            let messages = (0..<2).map { _ in ForeignMessage(type: "no.such.operation") }
            for message in messages { try await message.put(into: "notifications.queries", of: admin.wharf) }
            func letters() async throws -> [JSONValue] {
                try await admin.letters(of: "notifications.queries").filter { letter in messages.contains { $0.id == letter["messageId"]?.text } }
            }
            try await eventually("The dead letters") { try await letters().count == 2 }
            let ids = try await letters().compactMap { $0["id"]?.text }
            let (replayed, status) = try await admin.wharf.run(["dead-letters", "replay"] + ids)
            #expect(status == .exited(0), "\(replayed)")
            try await eventually("Their return") {
                try await letters().count { $0["state"] == "open" && $0["seen"] == 2 } == 2
            }
            let unknown = UUID().uuidString
            let (discarded, second) = try await admin.wharf.run(["dead-letters", "discard", unknown] + ids)
            #expect(second == .exited(1), "\(discarded)")
            #expect(try await letters().isEmpty)
        }

        @Test func `a dead letter is listed, shown, replayed and discarded`() async throws {
            let admin = try Visitor.admin()
            let message = ForeignMessage(type: "no.such.operation", body: Array("häh?".utf8))
            try await message.put(into: "notifications.queries", of: admin.wharf)
            func letter() async throws -> JSONValue? {
                try await admin.letters(of: "notifications.queries").first { $0["messageId"]?.text == message.id }
            }
            try await eventually("The dead letter") { try await letter() != nil }
            let id = try #require(try await letter()?["id"]?.text)
            let shown = try await admin.get("/v1/dead-letters/\(id)")
            #expect(shown["body"] == "häh?")
            #expect(shown["cause"] == "unknown-operation")
            #expect(shown["operation"] == "no.such.operation")
            #expect(shown["history"]?.list.count == 1)

            #expect(try await admin.post("/v1/dead-letters/\(id)/replay").status == 202)
            try await eventually("Its return") {
                let letter = try await admin.get("/v1/dead-letters/\(id)")
                return letter["state"] == "open" && letter["seen"] == 2
            }
            #expect(try await admin.delete("/v1/dead-letters/\(id)").status == 204)
            #expect(try await letter() == nil)
            let discarded = try await admin.get("/v1/dead-letters?state=discarded&queue=notifications.queries")
            #expect(discarded["items"]?.list.map { $0["id"]?.text }.contains(id) == true)
            #expect(try await admin.delete("/v1/dead-letters/\(UUID().uuidString)").status == 404)
        }
    }
}

extension Visitor {
    /// The open dead letters of a queue, page by page.
    func letters(of queue: String) async throws -> [JSONValue] {
        var letters: [JSONValue] = []
        var cursor: String?
        repeat {
            let page = try await get("/v1/dead-letters?limit=100&queue=\(queue)" + (cursor.map { "&cursor=\($0)" } ?? "")).json
            letters += page["items"]?.list ?? []
            cursor = page["nextCursor"]?.text
        } while cursor != nil
        return letters
    }
}
