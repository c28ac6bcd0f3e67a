import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL

struct Level: Sendable {
    var onHand: Int
    var reserved: Int
    /// Counts administrators' changes.
    var revision = 1
    /// Stock is low when no more than this is available; nil for a SKU that never is.
    var lowAt: Int?
    var available: Int { onHand - reserved }
    var isLow: Bool { lowAt.map { available <= $0 } ?? false }
    var etag: String { "\"\(revision)-\(onHand)-\(reserved)\"" }
}

struct Reservation: Sendable {
    enum State: String {
        case reserved, short, committed, released
    }

    let order: UUID
    var state: State
    var lines: [ReserveStock.Line]
    /// When it got its state; nil for one that is not stored yet.
    var at: Date?
}

/// An entry of the ledger: an administrator's change, or what came back from an order.
struct Movement: Sendable {
    let sku: String
    let delta: Int
    let kind: MovementView.Kind
    let reason: String
    let by: UUID?
    var order: UUID?
    /// Nil for now.
    var at: Date?
}

enum StockStore {
    /// Serialises batches that change stock. Best-sellers would make them wait for each other anyway, and one lock, instead of one per SKU, leaves no
    /// lock order to get wrong between reserving, releasing and committing.
    private static let lock: SQL = "SELECT pg_advisory_xact_lock(hashtextextended('catalog.stock', 0))"

    static func levels(_ skus: [String], on connection: any SQLConnection) async throws -> [String: Level] {
        try read(await connection.query(select(skus)))
    }

    static func lock(_ skus: [String], on transaction: any SQLConnection) async throws -> [String: Level] {
        try await read(transaction.pipeline([lock, select(skus)])[1])
    }

    /// The reservations of these orders, and the levels of the SKUs in them and in `skus`.
    static func lock(
        orders: [UUID], skus: [String], on transaction: any SQLConnection
    ) async throws -> (reservations: [UUID: Reservation], levels: [String: Level]) {
        let rows = try await transaction.pipeline(locking(orders: orders, skus: skus))
        var reservations: [UUID: Reservation] = [:]
        for row in rows[1] {
            let order: UUID = try row.decode("order_id")
            let state: String = try row.decode("state")
            let quantities: [Int] = try row.decode("quantities", as: [Int32].self).map(Int.init)
            guard let known = Reservation.State(rawValue: state) else {
                throw Failure("unknown-state", "the reservation's state '\(state)' is unknown to this version of Wharf", remedy: .retry)
            }
            let lines = zip(try row.decode("skus", as: [String].self), quantities).map {
                ReserveStock.Line(sku: $0, quantity: $1)
            }
            reservations[order] = Reservation(order: order, state: known, lines: lines, at: try row.decode("at"))
        }
        return (reservations, try read(rows[2]))
    }

    /// The statements of `lock`.
    static func locking(orders: [UUID], skus: [String]) -> [SQL] {
        let (orders, skus) = (Set(orders).sorted(), Set(skus).sorted())
        return [
            lock,
            "SELECT order_id, state, skus, quantities, at FROM reservations WHERE order_id = ANY(\(orders))",
            """
            SELECT sku, on_hand, reserved, revision, low_at FROM stock
            WHERE sku = ANY(\(skus)) OR sku IN (SELECT unnest(skus) FROM reservations WHERE order_id = ANY(\(orders)))
            """,
        ]
    }

    static func save(
        levels: [String: Level], reservations: [Reservation], now: Date, on transaction: any SQLConnection
    ) async throws {
        var statements: [SQL] = []
        if !levels.isEmpty {
            let rows = levels.sorted { $0.key < $1.key }
            statements.append(
                """
                UPDATE stock SET on_hand = new.on_hand, reserved = new.reserved, revision = new.revision, low_at = new.low_at
                FROM unnest(
                    \(rows.map(\.key)), \(rows.map(\.value.onHand)), \(rows.map(\.value.reserved)), \(rows.map(\.value.revision)), \(rows.map(\.value.lowAt))
                ) AS new (sku, on_hand, reserved, revision, low_at)
                WHERE stock.sku = new.sku
                """)
        }
        if !reservations.isEmpty {
            // unnest flattens nested arrays: an order's lines are passed as one text each and split in the database.
            let skus = reservations.map { $0.lines.map(\.sku).joined(separator: " ") }
            let quantities = reservations.map { $0.lines.map { String($0.quantity) }.joined(separator: " ") }
            statements.append(
                """
                INSERT INTO reservations (order_id, state, skus, quantities, at)
                SELECT order_id, state, string_to_array(skus, ' '), string_to_array(quantities, ' ')::integer[], \(now)
                FROM unnest(\(reservations.map(\.order)), \(reservations.map(\.state.rawValue)), \(skus), \(quantities))
                    AS new (order_id, state, skus, quantities)
                ON CONFLICT (order_id) DO UPDATE SET state = excluded.state, at = excluded.at
                """)
        }
        for statement in statements { try await transaction.enqueue(statement) }
    }

    static func addMovements(
        _ movements: [Movement], now: Date, on transaction: any SQLConnection
    ) async throws {
        try await transaction.enqueue(
            """
            INSERT INTO stock_movements (sku, delta, kind, reason, by, order_id, at)
            SELECT sku, delta, kind, reason, by, order_id, at
            FROM unnest(
                \(movements.map(\.sku)), \(movements.map(\.delta)), \(movements.map(\.kind.rawValue)), \(movements.map(\.reason)),
                \(movements.map(\.by)), \(movements.map(\.order)), \(movements.map { $0.at ?? now })
            ) AS new (sku, delta, kind, reason, by, order_id, at)
            """)
    }

    private static func select(_ skus: [String]) -> SQL {
        "SELECT sku, on_hand, reserved, revision, low_at FROM stock WHERE sku = ANY(\(skus))"
    }

    private static func read(_ rows: Rows) throws -> [String: Level] {
        try Dictionary(
            rows.map { row in
                let level = Level(
                    onHand: try row.decode("on_hand"), reserved: try row.decode("reserved"), revision: try row.decode("revision"), lowAt: try row.decode("low_at"))
                return (try row.decode("sku", as: String.self), level)
            }, uniquingKeysWith: { first, _ in first })
    }
}
