import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Secrets

/// Where a page of the ledger ended.
struct MovementCursor: PageCursor {
    /// Microseconds since 1970: PostgreSQL's precision.
    let at: Int
    let key: String
    /// The stock on hand before the last movement shown.
    let onHand: Int

    /// Far beyond any possible value, and small enough for arithmetic.
    private static let plausible = -1_000_000_000_000...1_000_000_000_000

    init?(_ key: [String]) {
        guard key.count == 3, let at = Int(key[0]), let onHand = Int(key[2]), Self.plausible.contains(onHand) else { return nil }
        (self.at, self.key, self.onHand) = (at, key[1], onHand)
    }
}

/// One change of the stock on hand.
struct MovementView: Sendable, Codable {
    enum Kind: String, Sendable, Codable {
        /// Counted by an administrator.
        case set
        /// By an administrator, with a reason.
        case adjusted
        /// Sold to an order.
        case sold
        /// Back from an order: it was given up, or the customer has sent it back.
        case returned
    }

    let at: Date
    let kind: Kind
    let delta: Int
    /// After it.
    let onHand: Int
    let reason: String?
    let orderId: String?
    /// The administrator.
    let by: String?
}

extension Stock {
    func movements(_ items: [IncomingMessage<StockList<MovementCursor>>], on connection: any SQLConnection) async throws -> [Outcome] {
        try await list(items, on: connection, rows: StockStore.movements)
    }
}

extension StockStore {
    /// Newest first: administrators' changes and orders' sales. One more than the page holds, if there are more.
    static func movements(_ list: StockList<MovementCursor>, on connection: any SQLConnection) async throws -> [StockListRow<MovementView>] {
        let start: SQL = list.after.map { "WHERE (micros, key COLLATE \"C\") < (\($0.at), \($0.key))" } ?? ""
        let rows = try await connection.query(
            """
            SELECT at, micros, key, kind, delta, reason, order_id, by, (SELECT on_hand FROM stock WHERE sku = \(list.sku)) AS on_hand
            FROM (
                SELECT at, (extract(epoch FROM at) * 1000000)::bigint AS micros, 'm' || lpad(id::text, 20, '0') AS key,
                       coalesce(kind, CASE reason WHEN 'set' THEN 'set' ELSE 'adjusted' END) AS kind, delta,
                       CASE WHEN kind = 'sold' OR reason = 'set' THEN NULL ELSE reason END AS reason, order_id, by
                FROM stock_movements WHERE sku = \(list.sku)
                UNION ALL
                SELECT at, (extract(epoch FROM at) * 1000000)::bigint, 'o' || order_id::text, 'sold', -quantity, NULL, order_id, NULL
                FROM reservations, unnest(skus, quantities) AS line (sku, quantity)
                WHERE state = 'committed' AND skus @> ARRAY[\(list.sku)] AND line.sku = \(list.sku)
            ) AS ledger
            \(start)
            ORDER BY micros DESC, key COLLATE "C" DESC LIMIT \(list.page.limit + 1)
            """)
        var onHand = list.after?.onHand
        return try rows.map { row in
            let delta: Int = try row.decode("delta")
            let now = try onHand ?? row.decode("on_hand")
            onHand = now - delta
            let kind: String = try row.decode("kind")
            let view = MovementView(
                at: try row.decode("at"), kind: MovementView.Kind(rawValue: kind) ?? .adjusted, delta: delta, onHand: now,
                reason: try row.decode("reason"), orderId: try row.decode("order_id", as: UUID?.self)?.lowerCaseText,
                by: try row.decode("by", as: UUID?.self)?.lowerCaseText)
            return (view, [String(try row.decode("micros", as: Int.self)), try row.decode("key"), String(now - delta)])
        }
    }
}
