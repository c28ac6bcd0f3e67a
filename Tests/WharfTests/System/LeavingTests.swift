import FoundationEssentials
import Messaging
import PostgreSQL
import TestKit
import Testing
import WebClient

@testable import JSON

extension System {
    /// What is held about a customer, wherever it is held: an export shows all of it, and nothing of it is left once the customer has left.
    @Suite struct `Leaving customers` {
        /// Everything that a customer can be known by, each with a value that stands nowhere else: the one list that export and erasure are both held to.
        private struct Traces {
            let mark = UUID().uuidString.lowercased()
            var email: String { "\(mark)@example.com" }
            var order: String { "order-\(mark)@example.com" }

            var all: [String: String] {
                var values = ["e-mail address": email, "e-mail address of an order": order]
                for field in [
                    "name", "agent", "label", "recipient", "company", "line1", "line2", "city", "region", "phone", "shipped-name", "shipped-line1", "shipped-phone", "tracking", "return", "refusal",
                    "note",
                ] {
                    values[field] = value(field)
                }
                return values
            }

            func value(_ field: String) -> String { "\(field)-\(mark)" }

            var address: String {
                """
                {"label": "\(value("label"))", "name": "\(value("recipient"))", "company": "\(value("company"))", "line1": "\(value("line1"))", "line2": "\(value("line2"))",
                 "city": "\(value("city"))", "region": "\(value("region"))", "postalCode": "SW1Y 4JH", "country": "GB", "phone": "\(value("phone"))"}
                """
            }

            var shipping: String {
                """
                {"name": "\(value("shipped-name"))", "line1": "\(value("shipped-line1"))", "city": "London", "postalCode": "SW1Y 4JH", "country": "GB", "phone": "\(value("shipped-phone"))"}
                """
            }
        }

        /// What services remember of messages is dropped by the day, and not searched.
        private static func tables(holding traces: Traces) async throws -> [String] {
            var found: [String] = []
            for service in ["users", "carts", "orders", "payments", "notifications", "catalog"] {
                found += try await SystemDatabase.with(service) { connection in
                    let names = try await connection.query(
                        "SELECT table_name::text FROM information_schema.tables WHERE table_schema = \(service) AND table_name NOT LIKE 'inbox%'")
                    var found: [String] = []
                    for name in try names.map({ try $0.decode("table_name", as: String.self) }) {
                        let hits = try await connection.query(
                            "SELECT 1 FROM \(raw: "\(service).\"\(name)\"") AS stored WHERE stored::text LIKE '%' || \(traces.mark) || '%' LIMIT 1")
                        if !hits.isEmpty { found.append("\(service).\(name)") }
                    }
                    return found
                }
            }
            return found.sorted()
        }

        /// The gateway's ids in payments: they name the customer at the gateway.
        private static func paymentRows(of user: String) async throws -> Int {
            try await SystemDatabase.with("payments") { connection in
                try await connection.query(
                    """
                    SELECT (SELECT count(*) FROM customers WHERE user_id = \(user)::uuid AND gateway_id IS NOT NULL)
                        + (SELECT count(*) FROM payment_methods WHERE user_id = \(user)::uuid) AS count
                    """)[0].decode("count")
            }
        }

        /// A customer who has left all traces that there are; with an order that has settled.
        private static func customer(_ traces: Traces) async throws -> (visitor: Visitor, order: String, sku: String) {
            var ada = try Visitor.guest()
            let sku = try await Visitor.admin().newProduct()
            let account = #"{"email": "\#(traces.email)", "password": "correct horse battery", "name": "\#(traces.value("name"))"}"#
            #expect(try await ada.post("/v1/users", account).status == 201)
            let session = try await ada.post(
                "/v1/sessions", #"{"email": "\#(traces.email)", "password": "correct horse battery"}"#, ["user-agent": traces.value("agent")])
            ada.token = try #require(session["token"]?.text)
            #expect(try await ada.post("/v1/users/me/addresses", traces.address).status == 201)
            let cart = try await ada.newCart(sku)
            let payment = #"{"gateway": "stripe", "paymentMethod": "pm_card_visa", "savePaymentMethod": true}"#
            let body = #"{"cartId": "\#(cart)", "email": "\#(traces.order)", "payment": \#(payment), "shippingAddress": \#(traces.shipping)}"#
            let order = try await ada.post("/v1/checkouts", body, ["idempotency-key": UUID().uuidString, "prefer": "wait=20"])
            #expect(order["order", "state"] == "confirmed")
            // The next cart stays open.
            _ = try await ada.newCart(sku, quantity: 7)
            for email in [traces.email, traces.order] {
                try await eventually("A mail to \(email)") { try !ada.wharf.mails(to: email).isEmpty }
            }
            let id = try #require(order["order", "id"]?.text)
            try await Self.write(traces, at: id, of: ada)
            return (ada, id, sku)
        }

        /// Free text that people wrote, on an order that has ended once it is written.
        private static func write(_ traces: Traces, at order: String, of ada: Visitor) async throws {
            let admin = try Visitor.admin()
            let path = "/v1/orders/\(order)"
            let parcel = #"{"carrier": "DHL", "trackingNumber": "\#(traces.value("tracking"))", "trackingUrl": "https://t.example/\#(traces.value("tracking"))"}"#
            #expect(try await admin.post("\(path)/shipments", parcel).status == 201)
            let sku = try await admin.get(path)["lines"]?.list.first?["sku"]?.text ?? ""
            let wanted = #"{"lines": [{"sku": "\#(sku)", "quantity": 1, "reason": "\#(traces.value("return"))"}]}"#
            let one = try await ada.post("\(path)/returns", wanted, ["idempotency-key": UUID().uuidString])
            #expect(one.status == 201)
            #expect(try await admin.post("/v1/returns/\(one["id"]?.text ?? "")/rejection", #"{"reason": "\#(traces.value("refusal"))"}"#).status == 200)
            #expect(try await admin.post("\(path)/notes", #"{"text": "\#(traces.value("note"))"}"#).status == 201)
        }

        @Test func `an export shows everything that is held about a customer, and once he has left nothing of it is left`() async throws {
            let traces = Traces()
            let (ada, order, sku) = try await Self.customer(traces)
            #expect(
                try await Self.tables(holding: traces) == [
                    "notifications.notifications", "orders.checkouts", "orders.order_notes", "orders.orders", "users.accounts", "users.addresses", "users.links", "users.sessions",
                ])
            let export = try await ada.get("/v1/users/me/export")
            #expect(export.status == 200 && export.header("cache-control") == "no-store")
            let text = String(decoding: export.response.body, as: UTF8.self)
            for (field, value) in traces.all { #expect(text.contains(value), "\(field) is not in the export") }
            #expect(export["carts"]?.list.first?["items"]?.list.first?["sku"] == .string(sku))
            #expect(export["orders"]?.list.map { $0["id"] } == [.string(order)])
            #expect(export["paymentMethods"]?.list.map { $0["last4"] } == ["4242"])
            let user = try #require(export["account", "id"]?.text)
            #expect(try await Self.paymentRows(of: user) == 2, "the gateway's customer, and the method")

            #expect(try await ada.delete("/v1/users/me").status == 204)
            try await eventually("The end of the session", within: .seconds(1)) { try await ada.get("/v1/users/me").status == 401 }
            #expect(try await ada.signIn(traces.email).status == 401)
            try await eventually("The end of all traces") { try await Self.tables(holding: traces).isEmpty }
            try await eventually("The answers of all services") {
                try await SystemDatabase.with("users") { try await $0.query("SELECT 1 FROM erasures WHERE done_at IS NULL").isEmpty }
            }
            #expect(try await Self.paymentRows(of: user) == 0)
            let kept = try await Visitor.admin().get("/v1/orders/\(order)")
            #expect(kept["state"] == "shipped" && kept["lines"]?.list.count == 1)
            #expect(kept["email"] == "deleted@customer.invalid" && kept["shippingAddress", "country"] == "GB")
            #expect(try await Visitor.guest().post("/v1/users", #"{"email": "\#(traces.email)", "password": "correct horse battery", "name": "Anew"}"#).status == 201)
        }

        @Test func `an administrator does not leave by mistake`() async throws {
            #expect(try await Visitor.admin().delete("/v1/users/me").problem == "own-account")
        }
    }
}
