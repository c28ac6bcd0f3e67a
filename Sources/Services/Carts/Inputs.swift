import Contracts
import FoundationEssentials
import Input
import Messaging

struct CartAccess: Sendable {
    let id: UUID
    let ifMatch: EntityTags?

    static func read(_ request: Request) throws -> CartAccess {
        try Fields.read(request) { CartAccess(id: try $0.uuidParameter("id", of: "cart"), ifMatch: $0.ifMatch()) }
    }

    static func readNone(_ request: Request) throws {
        try Fields.read(request) { _ in }
    }
}

struct PutItem: Sendable {
    static let maximumQuantity = 999
    /// Different SKUs in one cart.
    static let maximumLines = 100

    let cart: UUID
    let sku: String
    let quantity: Int
    let ifMatch: EntityTags?

    static func read(_ request: Request) throws -> PutItem {
        try Fields.read(request) { fields in
            PutItem(
                cart: try fields.uuidParameter("id", of: "cart"), sku: fields.parameter("sku", 1...64),
                quantity: fields.integer("quantity", 1...maximumQuantity), ifMatch: fields.ifMatch())
        }
    }

    static func readSKU(_ request: Request) throws -> PutItem {
        try Fields.read(request) { fields in
            PutItem(
                cart: try fields.uuidParameter("id", of: "cart"), sku: fields.parameter("sku", 1...64), quantity: 0,
                ifMatch: fields.ifMatch())
        }
    }
}

struct StartCheckout: Sendable {
    let cart: UUID
    let email: String
    /// The language of messages to the customer; the account's where the checkout names none.
    let locale: String?
    let shippingAddress: Address
    let payment: PaymentChoice
    let expectedTotal: Money?

    static func read(_ request: Request) throws -> StartCheckout {
        try Fields.read(request) { fields in
            let given = fields.optionalText("email", 3...EmailAddress.maximumLength)
            if let given, EmailAddress(given) == nil { fields.note("email", EmailAddress.expectation) }
            let email = given ?? request.caller?.email
            if email == nil, given == nil, !fields.has("email") { fields.note("email", "is required for a guest") }
            let locale = fields.optionalText("locale", LanguageTag.length)
            if let locale, !LanguageTag.isValid(locale) { fields.note("locale", LanguageTag.expectation) }
            return StartCheckout(
                cart: fields.uuid("cartId"), email: email ?? "", locale: locale ?? request.caller?.locale,
                shippingAddress: fields.address("shippingAddress"),
                payment: fields.object("payment") { PaymentChoice.read(&$0, of: request.caller) },
                expectedTotal: fields.optionalMoney("expectedTotal"))
        }
    }
}

extension PaymentChoice {
    static func read(_ fields: inout Fields, of caller: Caller?) -> PaymentChoice {
        let gateway = GatewayName(rawValue: fields.choice("gateway", GatewayName.allCases.map(\.rawValue))) ?? .stripe
        guard gateway.redirects else {
            var choice = PaymentChoice(gateway: gateway, paymentMethod: fields.text("paymentMethod", 1...100))
            guard fields.optionalBoolean("savePaymentMethod") ?? false else { return choice }
            if caller == nil { fields.note("savePaymentMethod", "requires a signed-in customer") }
            choice.saveFor = caller?.id
            return choice
        }
        // The customer chooses how to pay on the gateway's pages.
        return PaymentChoice(
            gateway: gateway, paymentMethod: fields.optionalText("paymentMethod", 1...100) ?? gateway.rawValue, returnURL: fields.page("returnUrl"),
            cancelURL: fields.page("cancelUrl"))
    }
}

extension Fields {
    /// A page of the storefront to which a browser is sent.
    fileprivate mutating func page(_ field: String) -> String? {
        guard let text = optionalText(field, ReturnURL.length) else { return nil }
        if !ReturnURL.isValid(text) { note(field, ReturnURL.expectation) }
        return text
    }
}
