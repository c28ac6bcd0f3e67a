import FoundationEssentials
import Secrets
import TestKit
import Testing
import WebClient

@testable import JSON
@testable import Up

extension System {
    /// Failures of other shops, reproduced with the whole of Wharf against the sandbox: for each fault reported elsewhere, a test that shows what Wharf does.
    ///
    /// | fault, and where it was seen | test |
    /// | --- | --- |
    /// | the client's completion and the webhook at once charge twice (medusa 13301, pinelab-vendure-plugins 620) | `charged once…` |
    /// | the order is reverted by a webhook that came before, or late (medusa 14205) | `older news…` |
    /// | a late compensation refunds another run's capture (medusa 15527) | `the payment of a second try…` |
    /// | captured, but no order, when a line becomes invalid during the redirect (saleor 10925) | `a product that is archived…` |
    /// | unpaid orders never expire once a payment has failed (saleor 14352) | `a failed payment closes…` |
    /// | oversold by checking and allocating in different transactions (vendure 1738) | `many customers at once…` |
    /// | the stock check fails after the charge succeeded (vendure 3065) | `what is reserved for a customer at the bank…` |
    /// | the second webhook comes 200 ms later, before the commit (vendure 2569) | `one event delivered many times at once…` |
    /// | duplicate payments without a unique index (spree 13938) | `one cart checked out many times at once…` |
    /// | a retry after a false failure makes a second order (ps_checkout 1546) | `a customer who repeats…` |
    /// | an amount of 0 means "all" in a refund (woocommerce-payments 944) | `a refund of nothing…` |
    /// | stock is given back twice on cancellation (mollie/WooCommerce 1252) | `stock comes back once…` |
    /// | the refund total leaves late refunds out (woocommerce-gateway-stripe 5703) | `refunds made later at the gateway…` |
    /// | zero-decimal currencies are charged a hundredth (woocommerce-gateway-stripe 2674) | `currencies without decimals…` |
    @Suite struct `Faults of other shops` {
        private struct Placed {
            let visitor: Visitor
            let location, id, sku: String
        }

        private func place(_ card: String = "pm_card_visa", price: Int = 1_000, stock: Int = 5, currency: String = "EUR") async throws -> (Placed, Answer) {
            let guest = try Visitor.guest()
            let sku = try await Visitor.admin().newProduct(price: price, stock: stock, currency: currency)
            let answer = try await guest.checkout(try await guest.newCart(sku), paying: card)
            let placed = Placed(
                visitor: guest, location: try #require(answer.header("location")), id: try #require(answer["order", "id"]?.text), sku: sku)
            return (placed, answer)
        }

        /// The customer's choice on the bank's page.
        private func authenticate(_ answer: Answer, _ wharf: RunningWharf, _ outcome: String = "succeed") async throws {
            _ = try await wharf.web.send(
                WebRequest(
                    method: "POST", url: "\(wharf.sandboxURL)/_authenticate/\(try intent(of: answer))", headers: [("content-type", "application/json")],
                    body: Array(#"{"outcome": "\#(outcome)"}"#.utf8)))
        }

        private func intent(of answer: Answer) throws -> String {
            let secret = try #require(answer["order", "payment", "clientSecret"]?.text)
            return String(try #require(secret.firstRange(of: "_secret").map { secret[..<$0.lowerBound] }))
        }

        private func stripe(_ method: String, _ path: String, _ form: String = "", _ wharf: RunningWharf) async throws -> Answer {
            let headers = [("authorization", "Bearer \(try wharf.secrets.stripeAPIKey)"), ("content-type", "application/x-www-form-urlencoded")]
            return Answer(try await wharf.web.send(WebRequest(method: method, url: "\(wharf.sandboxURL)\(path)", headers: headers, body: Array(form.utf8))))
        }

        /// The newest event of this type about the payment, as its webhook has it.
        private func event(_ type: String, about intent: String, _ wharf: RunningWharf) async throws -> (id: String, body: String) {
            let list = try await stripe("GET", "/v1/events?type=\(type)&limit=100", "", wharf)
            let found = try #require(list["data"]?.list.first { $0["data"]?["object"]?["id"]?.text == intent })
            let id = try #require(found["id"]?.text)
            return (id, String(decoding: try await stripe("GET", "/v1/events/\(id)", "", wharf).response.body, as: UTF8.self))
        }

        /// Posts an event as Stripe does, signed now.
        private func deliver(_ body: String, to visitor: Visitor) async throws {
            let now = Int(Date().timeIntervalSince1970)
            let code = HMACSHA256.authenticate(Array("\(now).\(body)".utf8), key: Array(try visitor.wharf.secrets.stripeWebhookSecret.utf8))
            let answer = try await Visitor(wharf: visitor.wharf).post("/v1/webhooks/stripe", body, ["stripe-signature": "t=\(now),v1=\(Hex.encode(code))"])
            #expect(answer.status == 200)
        }

        private func key() -> [String: String] { ["idempotency-key": UUID().uuidString] }

        @Test func `charged once, when the client's completion and the webhook arrive at once`() async throws {
            let (order, answer) = try await place("pm_card_authenticationRequired")
            let wharf = order.visitor.wharf
            try await authenticate(answer, wharf)
            let event = try await event("payment_intent.succeeded", about: try intent(of: answer), wharf)
            async let delivered: [Void] = together(Array(0..<4)) { _ in try await deliver(event.body, to: order.visitor) }
            let seen = try await together(Array(0..<4)) { _ in try await order.visitor.get(order.location).status }
            _ = try await delivered
            #expect(seen == [200, 200, 200, 200])
            _ = try await order.visitor.order(at: order.location, in: "confirmed")
            #expect(try await payments(of: order.id, in: wharf) == [.init(captured: 1_000, refunded: 0)])
            try await eventually("The sale") { try await Visitor.admin().stock(order.sku) == .init(onHand: 4, reserved: 0) }
        }

        @Test func `older news about a payment that arrives late leaves the order as it is`() async throws {
            let (order, answer) = try await place("pm_card_authenticationRequired")
            let wharf = order.visitor.wharf
            let intent = try intent(of: answer)
            try await authenticate(answer, wharf)
            _ = try await order.visitor.order(at: order.location, in: "confirmed")
            for type in ["payment_intent.created", "payment_intent.requires_action"] {
                let old = try await event(type, about: intent, wharf)
                // Not the same event again: that would be dropped by its id.
                try await deliver(old.body.replacing(old.id, with: "evt_late\(old.id.dropFirst(4))"), to: order.visitor)
            }
            let (next, _) = try await place()
            _ = try await next.visitor.order(at: next.location, in: "confirmed")
            #expect(try await order.visitor.get(order.location)["state"] == "confirmed")
            #expect(try await payments(of: order.id, in: wharf) == [.init(captured: 1_000, refunded: 0)])
        }

        @Test func `the payment of a second try is not refunded by what undoes the first`() async throws {
            let guest = try Visitor.guest()
            let sku = try await Visitor.admin().newProduct(stock: 5)
            let cart = try await guest.newCart(sku)
            let first = try await guest.checkout(cart, paying: "pm_card_authenticationRequired")
            let id = try #require(first["order", "id"]?.text)
            let intent = try intent(of: first)
            try await authenticate(first, guest.wharf, "fail")
            _ = try await guest.order(at: first.header("location"), in: "rejected")
            let second = try await guest.checkout(cart)
            #expect(second["order", "state"] == "confirmed")
            let failed = try await event("payment_intent.payment_failed", about: intent, guest.wharf)
            try await deliver(failed.body.replacing(failed.id, with: "evt_late\(failed.id.dropFirst(4))"), to: guest)
            let token = first.header("location")?.split(separator: "?").last.map(String.init) ?? ""
            #expect(try await guest.post("/v1/orders/\(id)/cancellation?\(token)", nil, key()).problem == "order-rejected")
            let other = try #require(second["order", "id"]?.text)
            #expect(try await payments(of: other, in: guest.wharf) == [.init(captured: 1_000, refunded: 0)])
            try await eventually("The sale of one") { try await Visitor.admin().stock(sku) == .init(onHand: 4, reserved: 0) }
        }

        @Test func `a product that is archived while its customer is at the bank is sold to them`() async throws {
            let admin = try Visitor.admin()
            let (order, answer) = try await place("pm_card_authenticationRequired")
            let product = try #require(try await admin.get("/v1/products?search=\(order.sku)")["items"]?.list.first?["id"]?.text)
            #expect(try await admin.delete("/v1/products/\(product)").status == 204)
            try await authenticate(answer, order.visitor.wharf)
            _ = try await order.visitor.order(at: order.location, in: "confirmed")
            #expect(try await payments(of: order.id, in: order.visitor.wharf) == [.init(captured: 1_000, refunded: 0)])
        }

        @Test func `a failed payment closes its order, and can no longer be paid`() async throws {
            let (order, answer) = try await place("pm_card_authenticationRequired")
            let intent = try intent(of: answer)
            try await authenticate(answer, order.visitor.wharf, "fail")
            _ = try await order.visitor.order(at: order.location, in: "rejected")
            #expect(try await stripe("GET", "/v1/payment_intents/\(intent)", "", order.visitor.wharf)["status"] == "canceled")
            let retried = try await stripe("POST", "/v1/payment_intents/\(intent)/confirm", "payment_method=pm_card_visa", order.visitor.wharf)
            #expect(retried.status == 400)
            try await eventually("The stock") { try await Visitor.admin().stock(order.sku) == .init(onHand: 5, reserved: 0) }
        }

        @Test func `many customers at once cannot buy more than there is`() async throws {
            let guest = try Visitor.guest()
            let sku = try await Visitor.admin().newProduct(stock: 5)
            var carts: [String] = []
            for _ in 0..<6 { carts.append(try await guest.newCart(sku, quantity: 2)) }
            let answers = try await together(carts) { try await guest.checkout($0) }
            #expect(answers.count { $0["order", "state"] == "confirmed" } == 2)
            #expect(answers.count { $0["order", "reason"] == "outOfStock" } == 4)
            try await eventually("The sale") { try await Visitor.admin().stock(sku) == .init(onHand: 1, reserved: 0) }
        }

        @Test func `what is reserved for a customer at the bank is not sold to anyone else, and no one else is charged`() async throws {
            let (order, answer) = try await place("pm_card_authenticationRequired", stock: 1)
            let other = try await order.visitor.checkout(try await order.visitor.newCart(order.sku))
            #expect(other["order", "reason"] == "outOfStock")
            #expect(try await payments(of: other["order", "id"]?.text ?? "", in: order.visitor.wharf) == [])
            try await authenticate(answer, order.visitor.wharf)
            _ = try await order.visitor.order(at: order.location, in: "confirmed")
            try await eventually("The sale") { try await Visitor.admin().stock(order.sku) == .init(onHand: 0, reserved: 0) }
        }

        @Test func `one event delivered many times at once counts once`() async throws {
            let (order, answer) = try await place("pm_card_authenticationRequired")
            let wharf = order.visitor.wharf
            try await authenticate(answer, wharf)
            let event = try await event("payment_intent.succeeded", about: try intent(of: answer), wharf)
            _ = try await together(Array(0..<6)) { _ in try await deliver(event.body, to: order.visitor) }
            let settled = try await order.visitor.order(at: order.location, after: "payment succeeded")
            #expect(settled["history"]?.list.count { $0["state"] == "confirmed" } == 1)
            try await eventually("One mail") {
                let notices = try await Visitor.admin().get("/v1/notifications?order=\(order.id)")["items"]?.list ?? []
                return notices.count { $0["kind"] == "orderConfirmed" } == 1
            }
            #expect(try await payments(of: order.id, in: wharf) == [.init(captured: 1_000, refunded: 0)])
        }

        @Test func `one cart checked out many times at once is one order with one payment`() async throws {
            let guest = try Visitor.guest()
            let cart = try await guest.newCart(try await Visitor.admin().newProduct())
            let answers = try await together(Array(0..<6)) { _ in try await guest.checkout(cart) }
            let orders = Set(answers.compactMap { $0["order", "id"]?.text })
            #expect(orders.count == 1)
            #expect(try await payments(of: orders.first ?? "", in: guest.wharf) == [.init(captured: 1_000, refunded: 0)])
        }

        @Test func `a customer who repeats a checkout that has not answered gets the same order, and no second one`() async throws {
            let guest = try Visitor.guest()
            let cart = try await guest.newCart(try await Visitor.admin().newProduct())
            let first = try await guest.checkout(cart, key: cart, wait: nil)
            let again = try await guest.checkout(cart, key: cart, wait: nil)
            #expect(first["order", "id"]?.text != nil && first["order", "id"] == again["order", "id"])
            #expect(try await guest.checkout(cart).status == 409)
            _ = try await guest.order(at: first.header("location"), in: "confirmed")
            #expect(try await payments(of: first["order", "id"]?.text ?? "", in: guest.wharf) == [.init(captured: 1_000, refunded: 0)])
        }

        @Test func `a refund of nothing is rejected, and refunds nothing`() async throws {
            let (order, _) = try await place()
            let admin = try Visitor.admin()
            for body in [#"{"amount": 0, "reason": "r"}"#, #"{"amount": {"amount": 0, "currency": "EUR"}, "reason": "r"}"#] {
                #expect(try await admin.post("/v1/orders/\(order.id)/refunds", body, key()).status == 422)
            }
            #expect(try await admin.post("/v1/orders/\(order.id)/refunds", #"{"amount": 1, "reason": "r"}"#, key()).status == 202)
            try await eventually("A refund of one cent") {
                try await payments(of: order.id, in: order.visitor.wharf) == [.init(captured: 1_000, refunded: 1)]
            }
        }

        @Test func `stock comes back once, however often an order is cancelled`() async throws {
            let (order, _) = try await place()
            let admin = try Visitor.admin()
            let answers = try await together(Array(0..<5)) { _ in try await admin.post("/v1/orders/\(order.id)/cancellation", nil, ["idempotency-key": UUID().uuidString]) }
            #expect(answers.map(\.status) == [202, 202, 202, 202, 202])
            _ = try await order.visitor.order(at: order.location, in: "cancelled")
            try await eventually("The stock") { try await admin.stock(order.sku) == .init(onHand: 5, reserved: 0) }
            try await eventually("The money") {
                try await payments(of: order.id, in: order.visitor.wharf) == [.init(captured: 1_000, refunded: 1_000)]
            }
            #expect(try await admin.post("/v1/orders/\(order.id)/cancellation", nil, key()).status == 202)
            let moved = try await admin.get("/v1/stock/\(order.sku)/movements")["items"]?.list.filter { $0["orderId"]?.text == order.id } ?? []
            #expect(moved.reduce(0) { $0 + ($1["delta"]?.number ?? 0) } == 0)
        }

        @Test func `refunds made later at the gateway count in the order's total`() async throws {
            let (order, _) = try await place()
            let admin = try Visitor.admin()
            let wharf = order.visitor.wharf
            let found = try await stripe("GET", "/v1/payment_intents/search?query=metadata%5B'order_id'%5D%3A'\(order.id)'", "", wharf)
            let intent = try #require(found["data"]?.list.first?["id"]?.text)
            #expect(try await admin.post("/v1/orders/\(order.id)/refunds", #"{"amount": 200, "reason": "r"}"#, key()).status == 202)
            for (amount, sum) in [(300, 500), (100, 600)] {
                #expect(try await stripe("POST", "/v1/refunds", "payment_intent=\(intent)&amount=\(amount)", wharf).status == 200)
                try await eventually("\(sum) refunded") {
                    let shown = try await order.visitor.get(order.location)
                    return shown["refunded", "amount"]?.number == sum && shown["payment", "state"] == "partlyRefunded"
                }
            }
        }

        // Stripe counts shillings in hundredths.
        @Test(arguments: [("JPY", 500, 500), ("KRW", 12_000, 12_000), ("UGX", 5_000, 500_000)])
        func `currencies without decimals are charged in full`(currency: String, price: Int, charged: Int) async throws {
            let (order, answer) = try await place(price: price, currency: currency)
            #expect(answer["order", "state"] == "confirmed")
            #expect(answer["order", "total", "amount"]?.number == price)
            #expect(try await payments(of: order.id, in: order.visitor.wharf) == [.init(captured: charged, refunded: 0)])
        }
    }
}
