import Contracts
import FoundationEssentials
import JSON
import Messaging
import Secrets
import WebClient

/// A PaymentIntent, as far as payments needs it.
struct StripeIntent: Sendable, Decodable {
    struct Failure: Sendable, Decodable {
        let code: String?
        let declineCode: String?

        private enum CodingKeys: String, CodingKey {
            case code
            case declineCode = "decline_code"
        }
    }

    /// The latest charge, where it was expanded.
    struct Charge: Sendable, Decodable {
        let refunded: Int?
        let isDisputed: Bool?
        /// The newest, where they were expanded too.
        let refunds: StripePage<StripeRefund>?
        let method: Method?

        private enum CodingKeys: String, CodingKey {
            case refunded = "amount_refunded"
            case isDisputed = "disputed"
            case refunds
            case method = "payment_method_details"
        }

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            refunded = try fields.decodeIfPresent(Int.self, forKey: .refunded)
            isDisputed = try fields.decodeIfPresent(Bool.self, forKey: .isDisputed)
            refunds = try fields.decodeIfPresent(StripePage<StripeRefund>.self, forKey: .refunds)
            // Only for display: it must not hide the amounts.
            method = try? fields.decodeIfPresent(Method.self, forKey: .method)
        }
    }

    struct Method: Sendable, Decodable {
        struct Card: Sendable, Decodable {
            let brand: String?
            let last4: String?
            let expiryMonth: Int?
            let expiryYear: Int?

            private enum CodingKeys: String, CodingKey {
                case brand, last4
                case expiryMonth = "exp_month"
                case expiryYear = "exp_year"
            }
        }

        let card: Card?
    }

    let id: String
    let status: String
    let amount: Int
    let received: Int?
    let currency: String
    let clientSecret: String?
    let metadata: [String: String]?
    let lastPaymentError: Failure?
    let latestCharge: Charge?
    let customer: String?
    let paymentMethod: String?
    let futureUsage: String?

    private enum CodingKeys: String, CodingKey {
        case id, status, amount, currency, metadata
        case received = "amount_received"
        case clientSecret = "client_secret"
        case lastPaymentError = "last_payment_error"
        case latestCharge = "latest_charge"
        case customer
        case paymentMethod = "payment_method"
        case futureUsage = "setup_future_usage"
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        id = try fields.decode(String.self, forKey: .id)
        status = try fields.decode(String.self, forKey: .status)
        amount = try fields.decode(Int.self, forKey: .amount)
        received = try fields.decodeIfPresent(Int.self, forKey: .received)
        currency = try fields.decode(String.self, forKey: .currency)
        clientSecret = try fields.decodeIfPresent(String.self, forKey: .clientSecret)
        metadata = try fields.decodeIfPresent([String: String].self, forKey: .metadata)
        lastPaymentError = try fields.decodeIfPresent(Failure.self, forKey: .lastPaymentError)
        // Only its id where it was not expanded.
        latestCharge = try? fields.decodeIfPresent(Charge.self, forKey: .latestCharge)
        customer = try? fields.decodeIfPresent(String.self, forKey: .customer)
        paymentMethod = try? fields.decodeIfPresent(String.self, forKey: .paymentMethod)
        futureUsage = try? fields.decodeIfPresent(String.self, forKey: .futureUsage)
    }

    var payment: GatewayPayment {
        var payment = GatewayPayment(
            status: paymentStatus, order: metadata?["order_id"].flatMap(UUID.init(text:)), amount: money(amount),
            captured: received.map { money($0).amount }, refunded: money(refunded).amount, isDisputed: latestCharge?.isDisputed ?? false)
        payment.savedMethod = savedMethod
        return payment
    }

    private var savedMethod: GatewayMethod? {
        guard futureUsage != nil, let customer, let paymentMethod, let card = latestCharge?.method?.card else { return nil }
        return GatewayMethod(
            id: paymentMethod, customer: customer, brand: card.brand ?? "card", last4: card.last4 ?? "", expiryMonth: card.expiryMonth, expiryYear: card.expiryYear)
    }

    /// What was taken and has gone back. Stripe counts the part of an authorization that was released without being taken as refunded, too.
    private var refunded: Int { max((latestCharge?.refunded ?? 0) - max(amount - (received ?? amount), 0), 0) }

    /// Whether money was taken. Only then are its refunds money that has gone back.
    var hasTakenMoney: Bool { received.map { $0 > 0 } ?? (status == "succeeded") }

    private func money(_ amount: Int) -> Money { Money(stripe: amount, currency) }

    private var paymentStatus: PaymentStatus {
        switch status {
        case "succeeded": return .succeeded(intent: id)
        case "requires_capture": return .authorized(intent: id)
        case "requires_action": return .requiresAction(intent: id, clientSecret: clientSecret ?? "")
        case "canceled": return .cancelled(intent: id)
        case "requires_payment_method":
            // Without an error no card was ever tried.
            guard let error = lastPaymentError else { return .open(intent: id) }
            return .declined(intent: id, code: error.declineCode ?? error.code ?? "declined")
        default: return .open(intent: id)
        }
    }
}

extension Money {
    /// In Wharf's minor units; an amount without an equivalent stays as it is, and the comparison with the order's fails.
    fileprivate init(stripe amount: Int, _ currency: String) {
        self = Money(stripeAmount: amount, currency: currency) ?? Money(amount: amount, currency: currency.uppercased())
    }

    /// The amount, held to the bounds of an order's, so that sums of them stay numbers.
    fileprivate var held: Int { min(max(amount, 0), Self.maximumAmount) }
}

/// One page of a list or a search.
struct StripePage<Element: Sendable & Decodable>: Sendable, Decodable {
    let data: [Element]
    let hasMore: Bool

    private enum CodingKeys: String, CodingKey {
        case data
        case hasMore = "has_more"
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        data = try fields.decode([Element].self, forKey: .data)
        hasMore = try fields.decodeIfPresent(Bool.self, forKey: .hasMore) ?? false
    }
}

struct StripeRefund: Sendable, Decodable {
    let id: String
    let amount: Int
    let currency: String
    let status: String?
    let reason: String?
    let failureReason: String?
    let metadata: [String: String]?

    private enum CodingKeys: String, CodingKey {
        case id, amount, currency, status, reason, metadata
        case failureReason = "failure_reason"
    }

    /// As Wharf has written it; metadata can be edited at Stripe, so anything else is the first round.
    private var round: Int { metadata?["round"].flatMap { Int($0) }.flatMap { Refund.rounds.contains($0) ? $0 : nil } ?? 0 }

    var refund: GatewayMovements.Refund {
        let status: GatewayMovements.Refund.Status =
            switch status {
            case "succeeded": .succeeded
            case "failed": .failed
            case "canceled": .cancelled
            // Also `requires_action`: the customer has to name an account.
            default: .pending
            }
        return GatewayMovements.Refund(
            id: id, refundID: metadata?["refund_id"].flatMap(UUID.init(text:)), round: round,
            amount: Money(stripe: amount, currency).held, status: status, reason: failureReason ?? reason)
    }
}

struct StripeDispute: Sendable, Decodable {
    let id: String
    let amount: Int
    let currency: String
    let reason: String
    let status: String

    var dispute: GatewayMovements.Dispute {
        let outcome: GatewayMovements.Dispute.Outcome =
            switch status {
            // `warning_closed`: an inquiry that did not become a dispute.
            case "won", "warning_closed", "prevented": .won
            case "lost": .lost
            default: .open
            }
        return GatewayMovements.Dispute(id: id, amount: Money(stripe: amount, currency).held, reason: reason, outcome: outcome)
    }
}

/// An error answer of Stripe's.
struct StripeFailure: Sendable {
    private struct Body: Decodable {
        struct Detail: Decodable {
            struct Intent: Decodable {
                let id: String
            }

            let type: String?
            let code: String?
            let declineCode: String?
            let message: String?
            let intent: Intent?

            enum CodingKeys: String, CodingKey {
                case type, code, message
                case declineCode = "decline_code"
                case intent = "payment_intent"
            }
        }

        let error: Detail
    }

    static let maximumSummary = 300

    let type: String
    let code: String?
    /// The reason given by the customer's bank, or by Stripe.
    let declineCode: String
    let intent: String?
    let summary: String

    /// Whether it says that the call was not carried out and never will be. A key that was used before with other parameters says nothing about what that call
    /// did, nor does an answer that is not Stripe's: a redirect, or a status that an intermediary has made up.
    func isRefusal(status: Int) -> Bool {
        (400..<500).contains(status) && type != Self.unknownType && type != "idempotency_error"
    }

    private static let unknownType = "unknown"

    init(_ response: WebResponse) {
        let detail = try? JSON.decode(Body.self, from: response.body).error
        type = detail?.type ?? Self.unknownType
        code = detail?.code
        declineCode = detail?.declineCode ?? detail?.code ?? type
        intent = detail?.intent?.id
        summary = String((detail?.message ?? "no reason given").prefix(Self.maximumSummary))
    }
}
