import FoundationEssentials
import TestKit
import Testing
import WebClient

@testable import JSON
@testable import Up

extension System {
    /// Through ingress, broker and workers, with the sandbox's PayPal.
    @Suite struct `Paying by PayPal` {
        private func checkout(_ sku: String, more: String = "", key: String = UUID().uuidString) async throws -> Answer {
            let guest = try Visitor.guest()
            let body = """
                {"cartId": "\(try await guest.newCart(sku))", "email": "guest@example.com", "payment": {"gateway": "paypal"\(more)}, "shippingAddress":
                 {"name": "Ada", "line1": "12 St James's Square", "city": "London", "postalCode": "SW1Y 4JH", "country": "GB"}}
                """
            return try await guest.post("/v1/checkouts", body, ["idempotency-key": key, "prefer": "wait=20"])
        }

        /// Makes the customer's choice on PayPal's page, and returns the address to which the browser is sent.
        private func choose(_ outcome: String, _ page: String) async throws -> String? {
            let response = try await Visitor.guest().wharf.web.send(
                WebRequest(
                    method: "POST", url: page, headers: [("content-type", "application/x-www-form-urlencoded")], body: Array("outcome=\(outcome)".utf8)))
            return response.first("location")
        }

        private func waiting(_ sku: String, more: String = "") async throws -> (answer: Answer, page: String) {
            let answer = try await checkout(sku, more: more)
            #expect(answer["order", "state"] == "requiresAction")
            #expect(answer["order", "payment", "gateway"] == "paypal" && answer["order", "payment", "clientSecret"] == nil)
            return (answer, try #require(answer["order", "payment", "redirectUrl"]?.text))
        }

        @Test func `an order is approved on PayPal's page, captured, confirmed, and refunded in parts`() async throws {
            let admin = try Visitor.admin()
            let sku = try await admin.newProduct(price: 1_999, stock: 5)
            let (answer, page) = try await waiting(sku, more: #", "returnUrl": "https://shop.example/back", "cancelUrl": "https://shop.example/cart""#)
            let shown = try await admin.wharf.web.send(WebRequest(url: page))
            #expect(shown.status == 200 && String(decoding: shown.body, as: UTF8.self).contains("19.99 EUR"))
            #expect(try await choose("approve", page)?.hasPrefix("https://shop.example/back?token=") == true)
            let guest = try Visitor.guest()
            let order = try await guest.order(at: answer.header("location"), in: "confirmed")
            #expect(order["payment", "state"] == "succeeded" && order["payment", "redirectUrl"] == nil)
            try await eventually("The stock") { try await admin.stock(sku) == .init(onHand: 4, reserved: 0) }

            let path = "/v1/orders/\(try #require(order["id"]?.text))"
            for amount in [999, 1_000] {
                let refund = try await admin.post("\(path)/refunds", #"{"amount": \#(amount), "reason": "late"}"#, ["idempotency-key": UUID().uuidString])
                #expect(refund.status == 202)
            }
            try await eventually("All is refunded") { try await admin.get(path)["payment", "state"] == "refunded" }
            #expect(try await admin.get(path)["refunded", "amount"]?.number == 1_999)
            let more = try await admin.post("\(path)/refunds", #"{"amount": 1, "reason": "late"}"#, ["idempotency-key": UUID().uuidString])
            #expect(more.status == 409)
        }

        @Test func `a customer who gives up cancels the order, and an approval after that takes no money`() async throws {
            let admin = try Visitor.admin()
            let sku = try await admin.newProduct(stock: 5)
            let (answer, page) = try await waiting(sku, more: #", "cancelUrl": "https://shop.example/cart""#)
            #expect(try await choose("cancel", page)?.hasPrefix("https://shop.example/cart?token=") == true)
            let path = try #require(answer.header("location"))
            #expect(try await Visitor.guest().get(path)["state"] == "requiresAction")
            let cancellation = path.replacing("?", with: "/cancellation?")
            #expect(try await Visitor.guest().post(cancellation, "{}", ["idempotency-key": UUID().uuidString]).status == 202)
            _ = try await Visitor.guest().order(at: path, in: "cancelled")
            try await eventually("The payment") { try await Visitor.guest().get(path)["payment", "state"] == "cancelled" }
            _ = try await choose("approve", page)
            try await eventually("The stock") { try await admin.stock(sku) == .init(onHand: 5, reserved: 0) }
            #expect(try await Visitor.guest().get(path)["payment", "state"] == "cancelled")
        }

        /// Sends a request that only the sandbox's operator may send.
        private func operate(_ method: String, _ path: String, _ body: String = "") async throws -> Answer {
            let wharf = try RunningWharf.get()
            let key = try wharf.secrets.stripeAPIKey
            return Answer(
                try await wharf.web.send(
                    WebRequest(method: method, url: "\(wharf.sandboxURL)/_paypal/\(path)", headers: [("authorization", "Bearer \(key)")], body: Array(body.utf8))))
        }

        @Test func `a refund that was made at PayPal and a dispute show in the order`() async throws {
            let admin = try Visitor.admin()
            let (answer, page) = try await waiting(try await admin.newProduct(price: 1_000, stock: 5))
            _ = try await choose("approve", page)
            let order = try await Visitor.guest().order(at: answer.header("location"), in: "confirmed")
            let id = try #require(order["id"]?.text)
            let intent = try #require(page.split(separator: "=").last)
            let capture = try #require(try await operate("GET", "orders/\(intent)")["captureId"]?.text)
            #expect(try await operate("POST", "captures/\(capture)/refund", #"{"amount": {"currency_code": "EUR", "value": "2.50"}}"#).status == 200)
            try await eventually("The refund") { try await admin.get("/v1/orders/\(id)")["payment", "state"] == "partlyRefunded" }
            #expect(try await admin.get("/v1/orders/\(id)")["refunded", "amount"]?.number == 250)
            #expect(try await admin.get("/v1/orders/\(id)/refunds")["items"]?.list.first?["by"]?.text == "gateway")
            #expect(try await operate("POST", "captures/\(capture)/dispute", #"{"outcome": "UNAUTHORISED"}"#).status == 200)
            try await eventually("The dispute") { try await admin.get("/v1/orders/\(id)")["payment", "state"] == "disputed" }
            let open = try await admin.get("/v1/payments/unresolved?limit=100")["items"]?.list.first { $0["orderId"]?.text == id }
            #expect(open?["kind"]?.text == "dispute" && open?["detail"]?.text == "UNAUTHORISED")
        }

        @Test func `an approval whose webhook is lost is found`() async throws {
            let (answer, page) = try await waiting(try await Visitor.admin().newProduct(stock: 5))
            #expect(try await operate("PUT", "lost-webhooks", #"{"next": 1}"#).status == 204)
            _ = try await choose("approve", page)
            let path = try #require(answer.header("location"))
            try await eventually("The order", within: .seconds(60)) { try await Visitor.guest().get(path)["state"] == "confirmed" }
        }

        @Test func `a capture that is declined gives the order up, and its cart is open again`() async throws {
            let admin = try Visitor.admin()
            let sku = try await admin.newProduct(stock: 5)
            let (answer, page) = try await waiting(sku)
            _ = try await choose("decline", page)
            let order = try await Visitor.guest().order(at: answer.header("location"), in: "rejected")
            #expect(order["reason"] == "paymentDeclined" && order["payment", "state"] == "cancelled")
            try await eventually("The stock") { try await admin.stock(sku) == .init(onHand: 5, reserved: 0) }
        }

        @Test(arguments: [
            ("INR", 1_000, ""), ("HUF", 20_050, ""), ("EUR", 1_000, #", "returnUrl": "javascript:alert(1)""#), ("EUR", 1_000, #", "returnUrl": "http://shop.example/""#),
            ("EUR", 1_000, #", "card": "4242""#),
        ])
        func `amounts that PayPal cannot charge, and pages to which no browser may be sent, are 422`(currency: String, price: Int, more: String) async throws {
            let sku = try await Visitor.admin().newProduct(price: price, currency: currency)
            let answer = try await checkout(sku, more: more)
            #expect(answer.status == 422)
            #expect(answer.fields.allSatisfy { $0.hasPrefix("payment.") } && !answer.fields.isEmpty)
        }
    }
}
