import Contracts
import FoundationEssentials
import Testing

@testable import Carts
@testable import JSON
@testable import Messaging
@testable import ServiceKit

@Suite struct GatewayTests {
    private func checkouts(_ gateways: Set<GatewayName>) -> CheckoutHandlers {
        let pricing = Pricing(ask: { _, _, _ in throw RequestClient.Unanswered.timedOut }, randomness: TestRandomness())
        let methods = SavedMethods(ask: { _, _, _ in throw RequestClient.Unanswered.timedOut }, randomness: TestRandomness())
        return CheckoutHandlers(pricing: pricing, methods: methods, clock: SetClock(), gateways: gateways)
    }

    @Test func `a gateway that is not set up is refused by name, with those that are`() throws {
        let problem = try #require(checkouts([.stripe]).problem(with: .paypal, Money(amount: 100, currency: "EUR")))
        #expect(problem.status == 422)
        #expect(problem.errors?.map(\.field) == ["payment.gateway"] && problem.errors?.first?.detail.contains("stripe") == true)
        #expect(checkouts([.stripe, .paypal]).problem(with: .paypal, Money(amount: 100, currency: "EUR")) == nil)
    }

    @Test func `a shop with PayPal alone refuses Stripe by name, and has no smallest amount`() throws {
        let problem = try #require(checkouts([.paypal]).problem(with: .stripe, Money(amount: 100, currency: "EUR")))
        #expect(problem.status == 422 && problem.errors?.first?.detail == "stripe is not set up in this shop; accepted: paypal")
        #expect(checkouts([.paypal]).problem(with: .paypal, Money(amount: 10, currency: "EUR")) == nil)
        let tooSmall = checkouts([.paypal, .stripe]).problem(with: .stripe, Money(amount: 10, currency: "EUR"))?.errors?.first
        #expect(tooSmall?.field == "cartId" && tooSmall?.detail == "the cart's total is below 0.50 EUR, the smallest amount that Stripe charges")
    }

    @Test(arguments: [("INR", 1_000, false), ("HUF", 20_050, false), ("HUF", 20_000, true), ("JPY", 70, true), ("INR", 0, true)])
    func `a total that PayPal cannot charge is refused before the order exists`(currency: String, amount: Int, isAccepted: Bool) {
        let problem = checkouts([.stripe, .paypal]).problem(with: .paypal, Money(amount: amount, currency: currency))
        #expect((problem == nil) == isAccepted)
        #expect(checkouts([.stripe, .paypal]).problem(with: .stripe, Money(amount: amount, currency: currency)) == nil)
    }

    private static func read(_ payment: String) throws -> PaymentChoice {
        var request = try Request("carts.checkouts.create")
        let address = #"{"name": "Ada", "line1": "12 St James Square", "city": "London", "postalCode": "SW1Y 4JH", "country": "GB"}"#
        request.body = Array(#"{"cartId": "\#(UUID().uuidString)", "email": "ada@example.com", "payment": \#(payment), "shippingAddress": \#(address)}"#.utf8)
        return try StartCheckout.read(request).payment
    }

    @Test func `PayPal needs no payment method, and accepts the pages to which a browser returns`() throws {
        #expect(try Self.read(#"{"gateway": "paypal"}"#) == PaymentChoice(gateway: .paypal, paymentMethod: "paypal"))
        let choice = try Self.read(#"{"gateway": "paypal", "returnUrl": "https://shop.example/back", "cancelUrl": "http://localhost:3000/cart"}"#)
        #expect(choice.returnURL == "https://shop.example/back" && choice.cancelURL == "http://localhost:3000/cart")
    }

    @Test(arguments: [
        (#"{"gateway": "paypal", "returnUrl": "http://shop.example/"}"#, "payment.returnUrl"), (#"{"gateway": "paypal", "cancelUrl": "javascript:1"}"#, "payment.cancelUrl"),
        (#"{"gateway": "stripe"}"#, "payment.paymentMethod"), (#"{"gateway": "stripe", "paymentMethod": "pm", "returnUrl": "https://shop.example/"}"#, "payment.returnUrl"),
        (#"{"gateway": "klarna", "paymentMethod": "pm"}"#, "payment.gateway"),
    ])
    func `each wrong field is named`(payment: String, field: String) throws {
        #expect {
            try Self.read(payment)
        } throws: { error in
            (error as? Problem)?.errors?.map(\.field) == [field]
        }
    }
}
