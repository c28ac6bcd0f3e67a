import FoundationEssentials
import LocalServers
import TestKit
import Testing

@testable import JSON

extension System {
    @Suite struct `Returning money` {
        private func paid(_ card: String = "pm_card_visa") async throws -> (admin: Visitor, path: String) {
            let admin = try Visitor.admin()
            let answer = try await admin.checkout(try await Visitor.guest().newCart(try await admin.newProduct(price: 500)), paying: card)
            #expect(answer["order", "state"] == "confirmed")
            return (admin, "/v1/orders/\(try #require(answer["order", "id"]?.text))")
        }

        /// The order, once its payment is in this state and this much is refunded.
        private func eventually(_ order: (admin: Visitor, path: String), _ state: String, refunded: Int) async throws {
            try await TestKit.eventually("\(state), \(refunded) refunded") {
                let shown = try await order.admin.get(order.path)
                return shown["payment", "state"]?.text == state && shown["refunded", "amount"]?.number == refunded
            }
        }

        @Test func `an order is refunded in parts to the last cent, and one more is refused`() async throws {
            let order = try await paid()
            let path = "\(order.path)/refunds"
            let first = try await order.admin.post(path, #"{"amount": 200, "reason": "late"}"#, ["idempotency-key": UUID().uuidString])
            #expect(first.status == 202 && first.header("location") == path)
            #expect(first["amount", "amount"]?.number == 200 && first["amount", "currency"] == "EUR" && first["state"] == "pending")
            try await eventually(order, "partlyRefunded", refunded: 200)
            let tooMuch = try await order.admin.post(path, #"{"amount": 301, "reason": "r"}"#, ["idempotency-key": UUID().uuidString])
            #expect(tooMuch.status == 409 && tooMuch.problem == "refund-exceeds-payment")
            #expect(try await order.admin.post(path, #"{"amount": 0, "reason": "r"}"#, ["idempotency-key": UUID().uuidString]).status == 422)
            #expect(try await order.admin.post(path, #"{"reason": "r"}"#).status == 400, "without a key")
            #expect(try await Visitor.guest().post(path, #"{"reason": "r"}"#, ["idempotency-key": UUID().uuidString]).status == 401)
            #expect(try await order.admin.post(path, #"{"reason": "the rest"}"#, ["idempotency-key": UUID().uuidString]).status == 202)
            try await eventually(order, "refunded", refunded: 500)
            let list = try await order.admin.get(path)
            #expect(list["items"]?.list.map { $0["amount"]?["amount"]?.number } == [300, 200])
            #expect(list["items"]?.list.map { $0["state"]?.text } == ["succeeded", "succeeded"])
        }

        @Test func `a refund that the bank returns days later no longer counts, and is settled by hand`() async throws {
            let order = try await paid("pm_card_refundFail")
            let key = ["idempotency-key": UUID().uuidString]
            let refund = try await order.admin.post("\(order.path)/refunds", #"{"amount": 200, "reason": "late"}"#, key)
            try await eventually(order, "needsOperator", refunded: 0)
            let open = try await order.admin.get("/v1/payments/unresolved?limit=100")
            let id = try #require(refund["id"]?.text)
            #expect(open["items"]?.list.contains { $0["kind"] == "refund" && $0["id"]?.text == id } == true)
            try await TestKit.eventually("Its dead letter") { try await letters(about: id, order.admin) == 1 }

            let wharf = order.admin.wharf
            let (refusal, missing) = try await wharf.run(["payments", "settle", id, "--as", "refunded", "--note", "by bank transfer"])
            #expect(missing == .exited(64), "\(refusal)")
            let (settled, status) = try await wharf.run(["payments", "settle", "--by-hand", id, "--as", "refunded", "--note", "by bank transfer"])
            #expect(status == .exited(0) && settled.contains("by bank transfer"), "\(settled)")
            try await eventually(order, "succeeded", refunded: 0)
            try await TestKit.eventually("The end of its dead letter") { try await letters(about: id, order.admin) == 0 }
            let rest = try await order.admin.get("/v1/payments/unresolved?limit=100")
            #expect(rest["items"]?.list.contains { $0["id"]?.text == id } == false)
            let tooMuch = try await order.admin.post("\(order.path)/refunds", #"{"amount": 301, "reason": "r"}"#, ["idempotency-key": UUID().uuidString])
            #expect(tooMuch.problem == "refund-exceeds-payment")

            // Other tests change payments meanwhile.
            let (report, outcome) = try await wharf.run(["payments", "reconcile", "--since", Date().addingTimeInterval(-600).ISO8601Format()])
            #expect((outcome == .exited(0) || outcome == .exited(1)) && report.contains("stripe: "), "\(report)")
            #expect(!report.contains(order.path.split(separator: "/").last.map(String.init) ?? ""), "\(report)")
        }

        /// The open dead letters about a refund.
        private func letters(about refund: String, _ admin: Visitor) async throws -> Int {
            var count = 0
            for letter in try await admin.letters(of: "payments.commands") where letter["operation"] == "payments.unresolved" {
                let whole = try await admin.get("/v1/dead-letters/\(try #require(letter["id"]?.text))")
                if whole["body"]?.text?.lowercased().contains(refund) == true { count += 1 }
            }
            return count
        }

        @Test func `a dispute shows in the order`() async throws {
            let order = try await paid("pm_card_createDispute")
            try await eventually(order, "disputed", refunded: 0)
            let answer = try await order.admin.post("\(order.path)/refunds", #"{"reason": "late"}"#, ["idempotency-key": UUID().uuidString])
            #expect(answer.status == 409 && answer.problem == "payment-disputed")
        }
    }
}
