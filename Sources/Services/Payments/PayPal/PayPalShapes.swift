import Contracts
import FoundationEssentials
import Messaging
import Secrets

/// An amount as PayPal writes it.
struct PayPalAmount: Sendable, Codable {
    let currency: String
    let value: String

    private enum CodingKeys: String, CodingKey {
        case currency = "currency_code"
        case value
    }

    /// The exact amount in Wharf's minor units.
    /// - Throws: For an amount that Wharf cannot express, so that no decision is based on it.
    var money: Money {
        get throws {
            guard let money = Money(payPalText: value, currency: currency) else { throw Failure("malformed-amount", "not an amount: \(value.prefix(40)) \(currency.prefix(3))") }
            return money
        }
    }
}

struct PayPalLink: Sendable, Decodable {
    let rel: String
    let href: String
}

struct PayPalReason: Sendable, Decodable {
    let reason: String?
}

/// A capture, as far as payments needs it.
struct PayPalCapture: Sendable, Decodable {
    let id: String
    let status: String
    let amount: Money
    let reason: String?

    private enum CodingKeys: String, CodingKey {
        case id, status, amount
        case details = "status_details"
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        id = try fields.decode(String.self, forKey: .id)
        status = try fields.decode(String.self, forKey: .status)
        amount = try fields.decode(PayPalAmount.self, forKey: .amount).money
        reason = try fields.decodeIfPresent(PayPalReason.self, forKey: .details)?.reason
    }

    var isDeclined: Bool { status == "DECLINED" || status == "FAILED" }
    var hasSucceeded: Bool { ["COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"].contains(status) }
}

struct PayPalRefund: Sendable, Decodable {
    let id: String
    let status: String
    let amount: Money
    let invoice: String?
    let note: String?
    let reason: String?

    private enum CodingKeys: String, CodingKey {
        case id, status, amount
        case invoice = "invoice_id"
        case note = "note_to_payer"
        case details = "status_details"
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        id = try fields.decode(String.self, forKey: .id)
        status = try fields.decode(String.self, forKey: .status)
        amount = try fields.decode(PayPalAmount.self, forKey: .amount).money
        invoice = try fields.decodeIfPresent(String.self, forKey: .invoice)
        note = try fields.decodeIfPresent(String.self, forKey: .note)
        reason = try fields.decodeIfPresent(PayPalReason.self, forKey: .details)?.reason
    }

    var counts: Bool { status == "COMPLETED" || status == "PENDING" }

    var refund: GatewayMovements.Refund {
        let status: GatewayMovements.Refund.Status =
            switch status {
            case "COMPLETED": .succeeded
            case "FAILED": .failed
            case "CANCELLED": .cancelled
            default: .pending
            }
        let name = PayPalRefundName(invoice)
        return GatewayMovements.Refund(
            id: id, refundID: name?.refund, round: name?.round ?? 0, amount: min(amount.amount, Money.maximumAmount), status: status, reason: reason ?? note)
    }
}

/// Wharf's id of a refund and its round, used as the invoice id of the refund at PayPal.
struct PayPalRefundName {
    let refund: UUID
    let round: Int

    init(refund: UUID, round: Int) {
        self.refund = refund
        self.round = round
    }

    /// Nil for a refund that was made at PayPal.
    init?(_ text: String?) {
        let parts = (text ?? "").split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let first = parts.first, let last = parts.last, let refund = UUID(text: String(first)),
            let round = Int(last), Refund.rounds.contains(round)
        else { return nil }
        self.init(refund: refund, round: round)
    }

    var text: String { "\(refund.lowerCaseText)/\(round)" }
}

struct PayPalDisputes: Sendable, Decodable {
    /// A dispute of an unexpected form must not hide the others, or the payment.
    struct Entry: Sendable, Decodable {
        let dispute: PayPalDispute?

        init(from decoder: any Decoder) throws {
            dispute = try? PayPalDispute(from: decoder)
        }
    }

    let items: [Entry]?
}

struct PayPalDispute: Sendable, Decodable {
    struct Outcome: Sendable, Decodable {
        let code: String?

        private enum CodingKeys: String, CodingKey {
            case code = "outcome_code"
        }
    }

    let disputeID: String
    let status: String
    let reason: String
    let amount: Money
    let disputeOutcome: Outcome?

    private enum CodingKeys: String, CodingKey {
        case disputeID = "dispute_id"
        case status, reason
        case amount = "dispute_amount"
        case disputeOutcome = "dispute_outcome"
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        disputeID = try fields.decode(String.self, forKey: .disputeID)
        status = try fields.decode(String.self, forKey: .status)
        reason = try fields.decodeIfPresent(String.self, forKey: .reason) ?? "unknown"
        amount = try fields.decode(PayPalAmount.self, forKey: .amount).money
        disputeOutcome = try fields.decodeIfPresent(Outcome.self, forKey: .disputeOutcome)
    }

    var isResolved: Bool { status == "RESOLVED" }

    var dispute: GatewayMovements.Dispute {
        let outcome: GatewayMovements.Dispute.Outcome =
            switch (isResolved, disputeOutcome?.code) {
            case (false, _): .open
            case (true, "RESOLVED_SELLER_FAVOUR"), (true, "CANCELED_BY_BUYER"), (true, "DENIED"), (true, "RESOLVED_WITH_PAYOUT"), (true, "NONE"): .won
            case (true, _): .lost
            }
        return GatewayMovements.Dispute(id: disputeID, amount: min(amount.amount, Money.maximumAmount), reason: reason, outcome: outcome)
    }
}
