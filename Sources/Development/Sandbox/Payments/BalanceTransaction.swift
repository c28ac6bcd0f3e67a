import JSON

/// One movement of the account's balance at Stripe. Amounts are in the currency's smallest unit, negative for money that leaves the account.
struct BalanceTransaction: Sendable, Equatable {
    enum Kind: String, Sendable, CaseIterable {
        case charge, refund, adjustment
        case refundFailure = "refund_failure"
    }

    /// Stripe's standard price for a European card: 1.5 % and 25 cents.
    private static let feePerMille = 15
    private static let fixedFee = 25
    /// The fee of a dispute, in the currency's smallest unit.
    private static let disputeFee = 2_000
    /// Seconds until the money of a charge can be paid out.
    private static let pending = 7 * 86_400

    let id: String
    let kind: Kind
    let amount: Int
    let fee: Int
    let currency: String
    let created: Int
    let availableOn: Int
    /// The charge, refund or dispute.
    let source: String

    static func id(ofCharge charge: String) -> String { "txn_c\(charge.dropFirst(3))" }
    static func id(ofRefund refund: String) -> String { "txn_r\(refund.dropFirst(3))" }
    static func id(ofFailedRefund refund: String) -> String { "txn_f\(refund.dropFirst(3))" }

    /// The movements that result from a change of a payment.
    static func all(from old: PaymentIntent?, to new: PaymentIntent, at now: Int) -> [BalanceTransaction] {
        var all: [BalanceTransaction] = []
        let at = new.charges?.last?.capturedAt ?? now
        if new.amountReceived > 0, (old?.amountReceived ?? 0) == 0, let charge = new.latestCharge {
            let available = new.attempts.last?.card == .bypassesPending ? at : at + pending
            all.append(
                BalanceTransaction(
                    id: id(ofCharge: charge), kind: .charge, amount: new.amountReceived, fee: new.amountReceived * feePerMille / 1_000 + fixedFee, currency: new.currency,
                    created: at, availableOn: available, source: charge))
        }
        if new.dispute == .needsResponse || new.dispute == .won || new.dispute == .lost, old?.dispute == nil || old?.dispute == .warningNeedsResponse {
            all.append(dispute(new, "txn_d", amount: -new.amountReceived, fee: disputeFee, at: at))
        }
        if new.dispute == .won, old?.dispute != .won { all.append(dispute(new, "txn_w", amount: new.amountReceived, fee: -disputeFee, at: now)) }
        return all
    }

    private static func dispute(_ payment: PaymentIntent, _ prefix: String, amount: Int, fee: Int, at now: Int) -> BalanceTransaction {
        BalanceTransaction(
            id: "\(prefix)\(payment.id.dropFirst(3))", kind: .adjustment, amount: amount, fee: fee, currency: payment.currency, created: now, availableOn: now,
            source: payment.disputeID)
    }

    init(_ refund: Refund) {
        self.init(
            id: Self.id(ofRefund: refund.id), kind: .refund, amount: -refund.amount, fee: 0, currency: refund.currency, created: refund.created, availableOn: refund.created,
            source: refund.id)
    }

    init(failed refund: Refund, at now: Int) {
        self.init(
            id: Self.id(ofFailedRefund: refund.id), kind: .refundFailure, amount: refund.amount, fee: 0, currency: refund.currency, created: now, availableOn: now,
            source: refund.id)
    }

    private init(id: String, kind: Kind, amount: Int, fee: Int, currency: String, created: Int, availableOn: Int, source: String) {
        (self.id, self.kind, self.amount, self.fee, self.currency) = (id, kind, amount, fee, currency)
        (self.created, self.availableOn, self.source) = (created, availableOn, source)
    }

    func write(to writer: inout JSONWriter, at now: Int) {
        writer.object { writer in
            writer.field("id", id)
            writer.field("object", "balance_transaction")
            writer.field("amount", amount)
            writer.field("available_on", availableOn)
            writer.field("created", created)
            writer.field("currency", currency)
            writer.field("description", nil as String?)
            writer.field("exchange_rate", nil as Int?)
            writer.field("fee", fee)
            writer.field("fee_details") { writer in
                writer.array(fee == 0 ? [] : [fee]) { writer, fee in
                    writer.object { writer in
                        writer.field("amount", fee)
                        writer.field("application", nil as String?)
                        writer.field("currency", currency)
                        writer.field("description", "Stripe processing fees")
                        writer.field("type", "stripe_fee")
                    }
                }
            }
            writer.field("net", amount - fee)
            writer.field("reporting_category", kind == .adjustment ? "dispute" : kind.rawValue)
            writer.field("source", source)
            writer.field("status", availableOn <= now ? "available" : "pending")
            writer.field("type", kind.rawValue)
        }
    }
}
