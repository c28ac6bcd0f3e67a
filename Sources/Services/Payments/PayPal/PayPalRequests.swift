import Contracts
import FoundationEssentials
import Secrets

/// An order to create.
struct PayPalNewOrder: Sendable, Encodable {
    struct Unit: Sendable, Encodable {
        let order: String
        /// PayPal captures no second payment under this id if the account is set up that way: one more guard against charging twice.
        let invoice: String
        let description: String
        let amount: PayPalAmount

        private enum CodingKeys: String, CodingKey {
            case order = "custom_id"
            case invoice = "invoice_id"
            case description, amount
        }
    }

    struct Experience: Sendable, Encodable {
        let returnURL: String?
        let cancelURL: String?
        /// The customer's last button is labelled as the one that pays.
        let action = "PAY_NOW"
        /// The shop knows the address, so PayPal need not ask for one.
        let shipping = "NO_SHIPPING"
        /// Excludes methods whose capture takes days, because the stock would stay reserved for as long.
        let methods = "IMMEDIATE_PAYMENT_REQUIRED"

        private enum CodingKeys: String, CodingKey {
            case returnURL = "return_url"
            case cancelURL = "cancel_url"
            case action = "user_action"
            case shipping = "shipping_preference"
            case methods = "payment_method_preference"
        }
    }

    struct Wallet: Sendable, Encodable {
        let experience: Experience

        private enum CodingKeys: String, CodingKey {
            case experience = "experience_context"
        }
    }

    struct Source: Sendable, Encodable {
        let paypal: Wallet
    }

    let intent = "CAPTURE"
    let units: [Unit]
    let source: Source

    private enum CodingKeys: String, CodingKey {
        case intent
        case units = "purchase_units"
        case source = "payment_source"
    }

    init(_ charge: Charge, amount: PayPalAmount) {
        let id = charge.order.lowerCaseText
        units = [Unit(order: id, invoice: id, description: String("Order \(charge.orderNumber)".prefix(PayPalGateway.maximumDescription)), amount: amount)]
        source = Source(paypal: Wallet(experience: Experience(returnURL: charge.returnURL, cancelURL: charge.cancelURL)))
    }
}

/// A refund to make.
struct PayPalNewRefund: Sendable, Encodable {
    let amount: PayPalAmount
    let order: String
    let name: String

    private enum CodingKeys: String, CodingKey {
        case amount
        case order = "custom_id"
        case name = "invoice_id"
    }

    init(_ call: RefundCall, amount: PayPalAmount) {
        self.amount = amount
        order = call.order.lowerCaseText
        name = PayPalRefundName(refund: call.refundID, round: call.round).text
    }
}
