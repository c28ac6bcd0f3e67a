import FoundationEssentials
import Messaging
import TestKit
import Testing
import WebClient

@testable import Bench
@testable import JSON
@testable import LocalState
@testable import Up

extension System {
    @Suite struct `Ordering` {
        @Test func `a guest's first order is confirmed, paid once, taken from stock and announced by mail`() async throws {
            let admin = try Visitor.admin()
            let guest = try Visitor.guest()
            let sku = try await admin.newProduct(price: 1_250, stock: 10)
            let email = "\(UUID().uuidString)@example.com"
            let answer = try await guest.checkout(try await guest.newCart(sku, quantity: 2), email: email)
            #expect(answer.status == 200)
            #expect(answer.header("preference-applied") == "wait=20")
            #expect(answer["order", "state"] == "confirmed")
            #expect(answer["order", "total", "amount"] == 2_500)
            let history = answer["order", "history"]?.list ?? []
            #expect(history.compactMap { $0["state"]?.text } == ["placed", "charging", "confirmed"])
            let times = history.compactMap { $0["at"]?.text }
            #expect(times.count == 3 && times == times.sorted())
            try await eventually("The sale") { try await admin.stock(sku) == .init(onHand: 8, reserved: 0) }
            let id = try #require(answer["order", "id"]?.text)
            #expect(try await payments(of: id, in: guest.wharf) == [.init(captured: 2_500, refunded: 0)])
            let number = try #require(answer["order", "number"]?.text)
            try await eventually("The mail") {
                try mails(in: guest.wharf).contains { $0.contains(email) && $0.contains("Your order \(number) is confirmed") }
            }
            let notices = try await admin.get("/v1/notifications?order=\(id)")
            #expect(notices["items"]?.list.map { $0["recipient"]?.text } == [email])
        }

        @Test func `a checkout that does not wait is accepted at once, and its location shows its progress`() async throws {
            let guest = try Visitor.guest()
            let cart = try await guest.newCart(try await Visitor.admin().newProduct())
            let answer = try await guest.checkout(cart, wait: nil)
            #expect(answer.status == 202)
            #expect(answer["order", "state"] == "pending")
            let order = try await guest.order(at: answer.header("location"), after: "payment succeeded")
            #expect(order["state"] == "confirmed")
            let tag = try #require(order.header("etag"))
            let path = try #require(answer.header("location"))
            #expect(try await guest.get(path, ["if-none-match": tag]).status == 304)
            let bare = path.prefix { $0 != "?" }
            #expect(try await guest.get(String(bare)).status == 404)
            #expect(try await guest.get("\(bare)?token=wrong").status == 404)
            #expect(try await Visitor.admin().get(String(bare)).status == 200)
        }

        @Test(arguments: ["pm_card_chargeDeclined", "pm_card_chargeDeclinedInsufficientFunds", "pm_that_is_none"])
        func `a declined card leaves the order rejected and the stock unchanged`(card: String) async throws {
            let admin = try Visitor.admin()
            let sku = try await admin.newProduct(stock: 3)
            let answer = try await admin.checkout(try await Visitor.guest().newCart(sku), paying: card)
            #expect(answer["order", "state"] == "rejected")
            #expect(answer["order", "reason"] == "paymentDeclined")
            #expect(answer["order", "payment", "state"] == "declined")
            #expect(try await admin.stock(sku) == .init(onHand: 3, reserved: 0))
        }

        @Test func `a customer whose card was declined orders the same cart with another card`() async throws {
            let sku = try await Visitor.admin().newProduct(stock: 3)
            let guest = try Visitor.guest()
            let cart = try await guest.newCart(sku)
            let declined = try await guest.checkout(cart, paying: "pm_card_chargeDeclined")
            #expect(declined["order", "state"] == "rejected")
            let paid = try await guest.checkout(cart)
            #expect(paid["order", "state"] == "confirmed")
            #expect(paid["order", "id"] != declined["order", "id"])
            #expect(try await guest.checkout(cart).status == 409, "and once only")
        }

        @Test func `a sold-out order is rejected, and not charged`() async throws {
            let admin = try Visitor.admin()
            let guest = try Visitor.guest()
            let sku = try await admin.newProduct(stock: 2)
            var carts: [String] = []
            for _ in 0..<6 { carts.append(try await guest.newCart(sku)) }
            let answers = try await together(carts) { try await guest.checkout($0) }
            let states = answers.compactMap { $0["order", "state"]?.text }.sorted()
            #expect(states == ["confirmed", "confirmed", "rejected", "rejected", "rejected", "rejected"])
            try await eventually("The sale") { try await admin.stock(sku) == .init(onHand: 0, reserved: 0) }
            for answer in answers where answer["order", "state"] == "rejected" {
                #expect(answer["order", "reason"] == "outOfStock")
                #expect(answer["order", "payment", "state"] == "cancelled")
                #expect(try await payments(of: answer["order", "id"]?.text ?? "", in: guest.wharf) == [])
            }
        }

        @Test(arguments: [("succeed", "confirmed", 4), ("fail", "rejected", 5)])
        func `a payment that needs its customer waits for 3-D Secure, and the webhook completes it`(
            outcome: String, state: String, left: Int
        ) async throws {
            let admin = try Visitor.admin()
            let guest = try Visitor.guest()
            let sku = try await admin.newProduct(stock: 5)
            let answer = try await guest.checkout(try await guest.newCart(sku), paying: "pm_card_authenticationRequired")
            #expect(answer["order", "state"] == "requiresAction")
            let secret = try #require(answer["order", "payment", "clientSecret"]?.text)
            let intent = try #require(secret.firstRange(of: "_secret").map { secret[..<$0.lowerBound] })
            _ = try await guest.wharf.web.send(
                WebRequest(
                    method: "POST", url: "\(guest.wharf.sandboxURL)/_authenticate/\(intent)", headers: [("content-type", "application/json")],
                    body: Array(#"{"outcome": "\#(outcome)"}"#.utf8)))
            let order = try await guest.order(at: answer.header("location"), in: state)
            #expect(order["payment", "clientSecret"] == nil)
            #expect(order["payment", "state"] == (state == "confirmed" ? "succeeded" : "cancelled"))
            try await eventually("The stock") { try await admin.stock(sku) == .init(onHand: left, reserved: 0) }
        }

        @Test func `prices are those of the checkout, and an unexpected total is rejected`() async throws {
            let admin = try Visitor.admin()
            let sku = try await admin.newProduct(price: 1_000)
            let product = try #require(try await admin.get("/v1/products?search=\(sku)")["items"]?.list.first?["id"]?.text)
            let cart = try await Visitor.guest().newCart(sku, quantity: 2)
            let change = try await admin.send("PATCH", "/v1/products/\(product)", #"{"price": {"amount": 1500, "currency": "EUR"}}"#)
            #expect(change.status == 200)
            let refused = try await Visitor.guest().checkout(cart, more: #", "expectedTotal": {"amount": 2000, "currency": "EUR"}"#)
            #expect(refused.status == 409)
            #expect(refused.problem == "total-differs")
            let answer = try await Visitor.guest().checkout(cart, more: #", "expectedTotal": {"amount": 3000, "currency": "EUR"}"#)
            #expect(answer["order", "total", "amount"] == 3_000)
        }

        @Test func `a cart is ordered once, however often it is requested, and stays as it was ordered`() async throws {
            let guest = try Visitor.guest()
            let sku = try await Visitor.admin().newProduct()
            let cart = try await guest.newCart(sku)
            let answers = try await together(Array(0..<6)) { _ in try await guest.checkout(cart) }
            #expect(answers.map(\.status).sorted() == [200, 409, 409, 409, 409, 409])
            #expect(try await guest.put("/v1/carts/\(cart)/items/\(sku)", #"{"quantity": 2}"#).status == 409)
            #expect(try await guest.delete("/v1/carts/\(cart)/items/\(sku)").status == 409)
            #expect(try await guest.delete("/v1/carts/\(cart)").status == 409)
            #expect(try await guest.checkout(try await guest.newCart()).fields == ["cartId"])
        }

        @Test func `an order that costs nothing needs no payment`() async throws {
            let guest = try Visitor.guest()
            let answer = try await guest.checkout(try await guest.newCart(try await Visitor.admin().newProduct(price: 0)))
            #expect(answer["order", "state"] == "confirmed")
            #expect(try await payments(of: answer["order", "id"]?.text ?? "", in: guest.wharf) == [])
        }

        @Test func `a customer need not give an address for mail, and no one else sees the order`() async throws {
            let (customer, email) = try await Visitor.customer()
            let (other, _) = try await Visitor.customer()
            let answer = try await customer.checkout(try await customer.newCart(try await Visitor.admin().newProduct()), email: nil)
            #expect(answer["order", "email"]?.text == email)
            let id = try #require(answer["order", "id"]?.text)
            #expect(try await customer.get("/v1/orders")["items"]?.list.map { $0["id"]?.text } == [id])
            #expect(try await other.get("/v1/orders")["items"] == .array([]))
            #expect(try await other.get("/v1/orders/\(id)").status == 404)
            #expect(try await Visitor.guest().get("/v1/orders/\(id)").status == 404)
        }

        @Test func `one cart holds one currency`() async throws {
            let admin = try Visitor.admin()
            let guest = try Visitor.guest()
            let cart = try await guest.newCart(try await admin.newProduct(currency: "EUR"))
            let dollars = try await admin.newProduct(currency: "USD")
            #expect(try await guest.put("/v1/carts/\(cart)/items/\(dollars)", #"{"quantity": 1}"#).problem == "mixed-currencies")
        }
    }

    @Suite struct `Idempotency` {
        @Test func `the same key with the same checkout is answered with the same order`() async throws {
            let guest = try Visitor.guest()
            let cart = try await guest.newCart(try await Visitor.admin().newProduct())
            let first = try await guest.checkout(cart, key: cart)
            let second = try await guest.checkout(cart, key: cart)
            #expect(first.header("idempotent-replayed") == nil)
            #expect(second.header("idempotent-replayed") == "true")
            #expect(second.status == 200)
            #expect(first["order", "id"] == second["order", "id"])
            let other = try await guest.checkout(cart, email: "other@example.com", key: cart)
            #expect(other.status == 422)
            #expect(other.problem == "idempotency-key-reused")
        }

        @Test func `the same key many times at once is one order`() async throws {
            let guest = try Visitor.guest()
            let cart = try await guest.newCart(try await Visitor.admin().newProduct())
            let answers = try await together(Array(0..<8)) { _ in try await guest.checkout(cart, key: cart) }
            #expect(Set(answers.map(\.status)) == [200])
            #expect(Set(answers.compactMap { $0["order", "id"]?.text }).count == 1)
            #expect(answers.count { $0.header("idempotent-replayed") == nil } == 1)
        }

        @Test func `a checkout without a key is rejected, naming the header`() async throws {
            let answer = try await Visitor.guest().post("/v1/checkouts", "{}")
            #expect(answer.status == 400)
            #expect(answer.fields == ["Idempotency-Key"])
        }

        @Test func `a command under one key takes effect once`() async throws {
            let admin = try Visitor.admin()
            let sku = try await admin.newProduct(stock: 10)
            for _ in 0..<3 {
                _ = try await admin.post("/v1/stock/\(sku)/adjustments", #"{"delta": -1, "reason": "broken"}"#, ["idempotency-key": sku])
            }
            #expect(try await admin.stock(sku).onHand == 9)
        }
    }
}

struct Taken: Equatable {
    let captured, refunded: Int
}

/// The order's payments in the sandbox's ledger.
func payments(of order: String, in wharf: RunningWharf) async throws -> [Taken] {
    let response = try await wharf.web.send(
        WebRequest(url: "\(wharf.sandboxURL)/_ledger?limit=10000", headers: [("authorization", "Bearer \(try wharf.secrets.stripeAPIKey)")]))
    return Answer(response)["payments"]?.list.filter { $0["orderId"]?.text?.lowercased() == order }.map {
        Taken(captured: $0["captured"]?.number ?? -1, refunded: $0["refunded"]?.number ?? -1)
    } ?? []
}

/// The mails in the Maildir.
func mails(in wharf: RunningWharf) throws -> [String] {
    let folder = "\(wharf.folder.mail)/new"
    return try FileManager.default.contentsOfDirectory(atPath: folder).map {
        String(decoding: try Data(contentsOf: URL(filePath: "\(folder)/\($0)")), as: UTF8.self)
    }
}

/// Does all of it at once; the results in the order of the elements.
func together<Element: Sendable, Result: Sendable>(
    _ elements: [Element], _ body: @escaping @Sendable (Element) async throws -> Result
) async throws -> [Result] {
    try await withThrowingTaskGroup(of: (Int, Result).self) { group in
        for (index, element) in elements.enumerated() { group.addTask { (index, try await body(element)) } }
        return try await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
    }
}
