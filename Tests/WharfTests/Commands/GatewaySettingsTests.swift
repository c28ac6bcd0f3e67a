import Contracts
import Logging
import Operations
import Payments
import Testing

@testable import Assembly

@Suite struct GatewaySettingsTests {
    private func assembly(_ environment: [String: String]) throws -> Assembly {
        Assembly(settings: try Settings(environment: environment), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, name: "test")
    }

    private func names(_ assembly: Assembly) throws -> Set<GatewayName> { Set(try assembly.gateways().map(\.name)) }

    private static let payPal = ["PAYPAL_CLIENT_ID": "id", "PAYPAL_CLIENT_SECRET": "secret"]

    @Test func `PayPal alone is a shop, and so is Stripe alone`() throws {
        let payPal = try assembly(Self.payPal.merging(["WHARF_GATEWAYS": "paypal"]) { $1 })
        #expect(payPal.offeredGateways == [.paypal])
        #expect(try names(payPal) == [.paypal])
        let stripe = try assembly(["STRIPE_API_KEY": "sk_test_1"])
        #expect(stripe.offeredGateways == [.stripe])
        #expect(try names(stripe) == [.stripe])
    }

    @Test func `a gateway that is no longer offered is kept for refunds`() throws {
        let shop = try assembly(Self.payPal.merging(["WHARF_GATEWAYS": "paypal", "STRIPE_API_KEY": "sk_test_1"]) { $1 })
        #expect(shop.offeredGateways == [.paypal])
        #expect(try names(shop) == [.stripe, .paypal])
    }

    @Test(arguments: [
        ([:], "STRIPE_API_KEY"), (payPal, "STRIPE_API_KEY"), (["WHARF_GATEWAYS": "paypal"], "PAYPAL_CLIENT_ID"),
        (["WHARF_GATEWAYS": "paypal,stripe", "STRIPE_API_KEY": "sk_test_1"], "PAYPAL_CLIENT_ID"), (["WHARF_GATEWAYS": "paypal", "PAYPAL_CLIENT_ID": "id"], "PAYPAL_CLIENT_SECRET"),
    ])
    func `a gateway that is offered and not set up is named`(environment: [String: String], name: String) throws {
        let shop = try assembly(environment)
        let error = #expect(throws: AssemblyError.self) { try shop.gateways() }
        #expect(error?.description.hasPrefix("\(name) is not set") == true)
    }
}
