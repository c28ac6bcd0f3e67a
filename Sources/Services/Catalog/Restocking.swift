import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime

extension Schema {
    static let comingBack = Migration(
        id: "stock that comes back",
        sql: """
            ALTER TABLE stock_movements ADD COLUMN order_id uuid;

            -- Returns whose goods are back in stock: each once.
            CREATE TABLE restocks (return_id uuid PRIMARY KEY, order_id uuid NOT NULL, at timestamptz NOT NULL);
            """)
}

extension Reserving {
    static func readReturn(_ request: Request) throws -> RestockReturn {
        let step = try Operation.contract(RestockReturn.self)(request)
        try check(step.lines, of: step.orderID)
        return step
    }

    /// Puts what a customer has sent back into stock, once for each return.
    func restock(_ items: [IncomingMessage<RestockReturn>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let now = clock.now()
        var levels = try await StockStore.lock(items.flatMap { $0.input.lines.map(\.sku) }, on: transaction)
        let new = try await StockStore.addRestocks(items.map(\.input), now: now, on: transaction)
        var movements: [Movement] = []
        var done: Set<UUID> = []
        for step in items.map(\.input) where new.contains(step.returnID) && done.insert(step.returnID).inserted {
            for line in Self.summed(step.lines) where levels[line.sku] != nil {
                levels[line.sku]?.onHand += line.quantity
                movements.append(
                    Movement(sku: line.sku, delta: line.quantity, kind: .returned, reason: "the customer has returned it", by: nil, order: step.orderID))
            }
        }
        let moved = Set(movements.map(\.sku))
        if !moved.isEmpty {
            try await StockStore.save(levels: levels.filter { moved.contains($0.key) }, reservations: [], now: now, on: transaction)
            try await StockStore.addMovements(movements, now: now, on: transaction)
        }
        return items.map { _ in .done() }
    }
}

extension StockStore {
    /// Those of the returns that were not known yet.
    fileprivate static func addRestocks(_ returns: [RestockReturn], now: Date, on transaction: any SQLConnection) async throws -> Set<UUID> {
        let rows = try await transaction.query(
            """
            INSERT INTO restocks (return_id, order_id, at)
            SELECT return_id, order_id, \(now) FROM unnest(\(returns.map(\.returnID)), \(returns.map(\.orderID))) AS new (return_id, order_id)
            ON CONFLICT DO NOTHING
            RETURNING return_id
            """)
        return try Set(rows.map { try $0.decode("return_id") })
    }
}
