import FoundationEssentials
import TestKit
import Testing

@testable import JSON

extension System {
    @Suite struct `Saved payment methods` {
        private static let address = #"{"name": "Ada", "line1": "12 St James's Square", "city": "London", "postalCode": "SW1Y 4JH", "country": "GB"}"#

        private func checkout(_ visitor: Visitor, _ sku: String, _ payment: String) async throws -> Answer {
            let body = #"{"cartId": "\#(try await visitor.newCart(sku))", "payment": {"gateway": "stripe", \#(payment)}, "shippingAddress": \#(Self.address)}"#
            return try await visitor.post("/v1/checkouts", body, ["idempotency-key": UUID().uuidString, "prefer": "wait=20"])
        }

        @Test func `a saved method pays the next order of its owner, of nobody else, and of nobody once it is deleted`() async throws {
            let sku = try await Visitor.admin().newProduct()
            let (ada, _) = try await Visitor.customer()
            let first = try await checkout(ada, sku, #""paymentMethod": "pm_card_visa", "savePaymentMethod": true"#)
            #expect(first["order", "state"] == "confirmed")
            let listed = try await ada.get("/v1/payment-methods")
            let id = try #require(listed["items"]?.list.first?["id"]?.text)
            #expect(listed["items"]?.list.count == 1 && listed["items"]?.list.first?["last4"] == "4242")
            #expect(try await checkout(ada, sku, #""paymentMethod": "\#(id)""#)["order", "state"] == "confirmed")

            let (eve, _) = try await Visitor.customer()
            let refused = try await checkout(eve, sku, #""paymentMethod": "\#(id)""#)
            #expect(refused.status == 422 && refused.fields == ["payment.paymentMethod"])
            #expect(try await eve.get("/v1/payment-methods")["items"]?.list.isEmpty == true)
            #expect(try await eve.delete("/v1/payment-methods/\(id)").status == 404)
            #expect(try await Visitor.guest().get("/v1/payment-methods").status == 401)

            #expect(try await ada.delete("/v1/payment-methods/\(id)").status == 204)
            #expect(try await ada.get("/v1/payment-methods")["items"]?.list.isEmpty == true)
            #expect(try await checkout(ada, sku, #""paymentMethod": "\#(id)""#).fields == ["payment.paymentMethod"])
        }
    }
}
