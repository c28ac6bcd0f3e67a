import Contracts
import FoundationEssentials
import Messaging
import Secrets

/// One refund of the ledger: a pure state, changed by the gateway's reports.
struct Refund: Sendable, Hashable {
    /// The actors of a refund that was made at the gateway, and of one whose order was given up.
    static let madeAtGateway = "gateway"
    static let service = "payments"
    /// Far more than an operator replays one letter.
    static let rounds = 0...1_000

    let id: UUID
    let order: UUID
    /// In minor units of the order's currency.
    let amount: Int
    let reason: String
    let actor: String
    var state = RefundState.pending
    var gatewayID: String?
    /// How often an operator has requested it again.
    var round = 0
    var key: UUID
    /// When it became known that the gateway answers the key with an error.
    var keySpentAt: Date?
    /// Since when the gateway may have been called in this round.
    var askedAt: Date?
    var detail: String?
    /// How an operator has settled it, if the gateway did not make it.
    var settlement: Settlement?
    var dueAt: Date
    var looks = 0
    let createdAt: Date

    init(id: UUID, order: UUID, amount: Int, reason: String, actor: String, now: Date) {
        self.id = id
        self.order = order
        self.amount = amount
        self.reason = reason
        self.actor = actor
        key = Self.key(id, 0)
        dueAt = now.addingTimeInterval(Refunding.retryAfter)
        createdAt = now
    }

    /// Whether the gateway counts it as refunded.
    var counts: Bool { gatewayID != nil && (state == .pending || state == .succeeded) }

    /// Whether it was requested and is not at the gateway yet, as far as is known.
    var isOnItsWay: Bool { gatewayID == nil && state == .pending }

    var report: RefundReport { RefundReport(refundID: id, state: state, amount: amount, settlement: settlement) }

    /// It will not be made by the gateway.
    mutating func settle(_ settlement: Settlement, _ note: String) {
        (state, self.settlement, detail) = (.failed, settlement, note)
    }

    /// Whether the gateway has this round of it.
    func isShown(by payment: GatewayPayment) -> Bool {
        payment.movements?.refunds.contains { $0.refundID == id && $0.round == round } ?? false
    }

    func call(intent: String, currency: String) -> RefundCall {
        RefundCall(
            intent: intent, order: order, refundID: id, round: round, amount: Money(amount: amount, currency: currency), idempotencyKey: key)
    }

    /// Applies the gateway's report of this refund. A report older than the known state, or of an earlier round, changes nothing.
    mutating func learn(_ report: GatewayMovements.Refund) {
        guard report.round >= round || report.id == gatewayID else { return }
        if report.round > round { begin(round: report.round) }
        let isFirst = gatewayID == nil
        gatewayID = gatewayID ?? report.id
        guard gatewayID == report.id else { return }
        switch (state, report.status) {
        case (.pending, .succeeded): state = .succeeded
        // The gateway has made it after all, despite its earlier answer.
        case (.needsOperator, .succeeded) where isFirst, (.failed, .succeeded) where isFirst: (state, detail) = (.succeeded, nil)
        case (.needsOperator, .pending) where isFirst, (.failed, .pending) where isFirst: (state, detail) = (.pending, nil)
        // A bank may return a refund days after it was made.
        case (.pending, .failed), (.succeeded, .failed): (state, detail) = (canBeRepeated ? .needsOperator : .failed, report.reason ?? "failed")
        case (.pending, .cancelled), (.succeeded, .cancelled): (state, detail) = (.failed, "cancelled at the gateway")
        default: break
        }
        if state != .failed { settlement = nil }
    }

    /// Whether its failure is a matter of its own: the rest of an order that was given up is requested again with the attempt, and what was made at the
    /// gateway is decided there.
    private var canBeRepeated: Bool { actor != Self.madeAtGateway && id != Attempt.idOfRest(order) }

    mutating func begin(round: Int) {
        self.round = round
        (state, gatewayID, keySpentAt, askedAt, detail) = (.pending, nil, nil, nil, nil)
        key = Self.key(id, round)
    }

    /// Replaces a spent key, once what was begun with it can be found; the gateway is asked for that before the new key is used.
    mutating func renewKey(now: Date) {
        guard let keySpentAt, now >= keySpentAt.addingTimeInterval(Charging.findableAfter) else { return }
        key = UUID.v5(namespace: key, name: "again")
        self.keySpentAt = nil
    }

    private static func key(_ id: UUID, _ round: Int) -> UUID { UUID.v5(namespace: id, name: "round \(round)") }
}

struct Dispute: Sendable, Hashable {
    let order: UUID
    let id: String
    var amount: Int
    let reason: String
    var outcome: GatewayMovements.Dispute.Outcome
}
