import Contracts
import FoundationEssentials
import Secrets

/// A PayPal order with its one purchase unit, as far as payments needs it.
struct PayPalOrder: Sendable, Decodable {
    private struct Unit: Decodable {
        struct Payments: Decodable {
            let captures: [PayPalCapture]?
            let refunds: [PayPalRefund]?
        }

        let custom: String?
        let amount: PayPalAmount
        let payments: Payments?

        private enum CodingKeys: String, CodingKey {
            case custom = "custom_id"
            case amount, payments
        }
    }

    /// The names of the link to the page where the customer approves the order; the second is for orders without a payment source.
    private static let pages: Set = ["payer-action", "approve"]

    let id: String
    let status: String
    /// Nil if Wharf did not create the order.
    let order: UUID?
    let amount: Money
    /// The capture that holds money, or else the latest one.
    let capture: PayPalCapture?
    let refunds: [PayPalRefund]
    /// The page for its approval.
    let page: String?

    private enum CodingKeys: String, CodingKey {
        case id, status, links
        case units = "purchase_units"
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        id = try fields.decode(String.self, forKey: .id)
        status = try fields.decode(String.self, forKey: .status)
        let units = try fields.decode([Unit].self, forKey: .units)
        guard let unit = units.first, units.count == 1 else {
            throw DecodingError.dataCorruptedError(forKey: .units, in: fields, debugDescription: "an order created by Wharf has one purchase unit")
        }
        order = unit.custom.flatMap(UUID.init(text:))
        amount = try unit.amount.money
        let captures = unit.payments?.captures ?? []
        capture = captures.first { !$0.isDeclined } ?? captures.last
        refunds = unit.payments?.refunds ?? []
        let links = try fields.decodeIfPresent([PayPalLink].self, forKey: .links) ?? []
        page = links.first { Self.pages.contains($0.rel) && ($0.href.hasPrefix("https://") || $0.href.hasPrefix("http://")) }?.href
    }

    /// Whether it holds money or may do so, because a capture may be under review.
    var isCaptured: Bool { capture.map { !$0.isDeclined } ?? (status == "COMPLETED") }

    var payment: GatewayPayment {
        var payment = GatewayPayment(
            status: paymentStatus, order: order, amount: capture?.amount ?? amount,
            refunded: refunds.reduce(0) { $1.counts ? $0 + min($1.amount.amount, Money.maximumAmount) : $0 })
        payment.awaitsCapture = status == "APPROVED" && (capture?.isDeclined ?? true)
        return payment
    }

    private var paymentStatus: PaymentStatus {
        if let capture, capture.hasSucceeded { return .succeeded(intent: id) }
        // Under review, or on its way from a bank.
        if let capture, !capture.isDeclined { return .open(intent: id) }
        switch status {
        case "CREATED", "SAVED", "PAYER_ACTION_REQUIRED":
            guard let page else { return .open(intent: id) }
            return .requiresAction(intent: id, clientSecret: page)
        case "VOIDED": return .cancelled(intent: id)
        case "COMPLETED":
            guard let capture else { return .open(intent: id) }
            return .declined(intent: id, code: capture.reason ?? capture.status)
        default: return .open(intent: id)
        }
    }
}
