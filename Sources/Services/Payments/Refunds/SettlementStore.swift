import Contracts
import FoundationEssentials
import PostgreSQL
import Secrets

/// The record of operators' decisions.
enum SettlementStore {
    static func add(_ decisions: [Decision], on transaction: any SQLConnection) async throws {
        guard !decisions.isEmpty else { return }
        try await transaction.enqueue(
            """
            INSERT INTO settlements (id, kind, subject, order_id, amount, currency, settlement, note, actor, at)
            SELECT * FROM unnest(
                \(decisions.map(\.id)), \(decisions.map(\.subject.kind.rawValue)), \(decisions.map(\.subject.id)), \(decisions.map(\.subject.order)),
                \(decisions.map(\.subject.amount.amount)), \(decisions.map(\.subject.amount.currency)), \(decisions.map(\.settlement.rawValue)),
                \(decisions.map(\.note)), \(decisions.map(\.actor)), \(decisions.map(\.at)))
            """)
    }
}

struct SettlementView: Sendable, Codable {
    let kind: UnresolvedView.Kind
    let id: String
    let orderId: String
    let amount: Money
    let settlement: Settlement
    let note: String
    /// The person who decided.
    let by: String
    let at: Date

    init(_ decision: Decision) {
        kind = decision.subject.kind
        id = decision.subject.id
        orderId = decision.subject.order.lowerCaseText
        amount = decision.subject.amount
        (settlement, note, by, at) = (decision.settlement, decision.note, decision.actor, decision.at)
    }
}
