import Contracts
import FoundationEssentials
import PostgreSQL

/// Money at the gateway that belongs to no order, or a second payment of one that could not be returned.
struct UnclaimedPayment: Sendable, Hashable {
    let intent: String
    let order: UUID
    let amount: Money
    let detail: String

    /// Records them, once each.
    static func add(_ found: [UnclaimedPayment], now: Date, on transaction: any SQLConnection) async throws {
        guard !found.isEmpty else { return }
        try await transaction.enqueue(
            """
            INSERT INTO unclaimed_payments (intent_id, order_id, amount, currency, detail, found_at)
            SELECT DISTINCT ON (new.intent) new.*, \(now) FROM unnest(
                \(found.map(\.intent)), \(found.map(\.order)), \(found.map(\.amount.amount)), \(found.map(\.amount.currency)), \(found.map(\.detail))
            ) AS new (intent, order_id, amount, currency, detail)
            ORDER BY new.intent
            ON CONFLICT DO NOTHING
            """)
    }

    /// The payments among these that are recorded, settled or not.
    static func known(_ intents: [String], on connection: any SQLConnection) async throws -> Set<String> {
        guard !intents.isEmpty else { return [] }
        let rows = try await connection.query("SELECT intent_id FROM unclaimed_payments WHERE intent_id = ANY(\(intents))")
        return try Set(rows.map { try $0.decode("intent_id", as: String.self) })
    }

    static func settle(_ intents: [String], now: Date, on transaction: any SQLConnection) async throws {
        guard !intents.isEmpty else { return }
        try await transaction.enqueue(
            "UPDATE unclaimed_payments SET settled_at = \(now) WHERE intent_id = ANY(\(intents)) AND settled_at IS NULL")
    }
}
