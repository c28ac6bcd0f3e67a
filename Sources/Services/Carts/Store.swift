import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL

struct CartRow: Sendable {
    let id: UUID
    let customerID: UUID?
    let orderID: UUID?
    var version: Int
    var expiresAt: Date
    /// By SKU.
    var lines: [OrderLine] = []

    /// Whether the caller can see it: a guest's cart belongs to anyone who knows its id, a customer's to that customer. An open cart past its expiry is gone,
    /// even if it has not been swept yet.
    func isThere(for caller: Caller?, at now: Date) -> Bool {
        (customerID == nil || customerID == caller?.id) && (orderID != nil || expiresAt > now)
    }
}

enum Store {
    /// An untouched cart is kept for at least this many seconds: 30 days.
    static let lifetime: Double = 30 * 86_400
    static let expiredAtOnce = 500
    private static let hour: Double = 3_600

    /// When a cart that was last touched at `now` expires, rounded up to the hour. Most changes then write the time that the cart already has, so that no index changes and
    /// PostgreSQL updates the row in place.
    static func expiry(from now: Date) -> Date {
        Date(timeIntervalSince1970: ((now.timeIntervalSince1970 + lifetime) / hour).rounded(.up) * hour)
    }

    /// The carts with their lines.
    static func find(_ ids: [UUID], on connection: any SQLConnection) async throws -> [UUID: CartRow] {
        try await read(
            connection.pipeline([
                "SELECT id, customer_id, order_id, version, expires_at FROM carts WHERE id = ANY(\(ids))", lines(ids),
            ]))
    }

    /// The same, locked in one order, so that two batches cannot deadlock.
    static func lock(_ ids: [UUID], on transaction: any SQLConnection) async throws -> [UUID: CartRow] {
        try await read(transaction.pipeline(locking(ids)))
    }

    /// The statements of `lock`.
    static func locking(_ ids: [UUID]) -> [SQL] {
        let ids = Set(ids).sorted()
        return ["SELECT id, customer_id, order_id, version, expires_at FROM carts WHERE id = ANY(\(ids)) ORDER BY id FOR UPDATE", lines(ids)]
    }

    /// Only one transaction at a time gives a customer a cart, so that there is one current cart, and a second transaction finds it. Taken before any cart is
    /// locked, and in one order.
    /// Deletes the customers' expired carts, so that none is taken for the current one.
    static func lock(customers: [UUID], now: Date, on transaction: any SQLConnection) async throws {
        guard !customers.isEmpty else { return }
        let names = Set(customers).map { "carts customer \($0.uuidString)" }.sorted()
        _ = try await transaction.pipeline([
            "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(\(names)) AS name",
            "DELETE FROM carts WHERE customer_id = ANY(\(customers)) AND order_id IS NULL AND NOT is_aside AND expires_at <= \(now)",
        ])
    }

    static func skus(in carts: [UUID], on connection: any SQLConnection) async throws -> Set<String> {
        try await Set(connection.query("SELECT DISTINCT sku FROM cart_items WHERE cart_id = ANY(\(carts))").map { try $0.decode("sku") })
    }

    static func current(of customers: [UUID], on connection: any SQLConnection) async throws -> [UUID: UUID] {
        let rows = try await connection.query(
            "SELECT customer_id, id FROM carts WHERE customer_id = ANY(\(customers)) AND order_id IS NULL AND NOT is_aside")
        return try Dictionary(
            rows.map { (try $0.decode("customer_id", as: UUID.self), try $0.decode("id", as: UUID.self)) },
            uniquingKeysWith: { first, _ in first })
    }

    static func insert(
        _ carts: [(id: UUID, customer: UUID?)], now: Date, on transaction: any SQLConnection
    ) async throws {
        try await transaction.enqueue(
            """
            INSERT INTO carts (id, customer_id, expires_at)
            SELECT id, customer_id, \(expiry(from: now))
            FROM unnest(\(carts.map(\.id)), \(carts.map(\.customer))) AS new (id, customer_id)
            ON CONFLICT DO NOTHING
            """)
    }

    static func put(
        _ lines: [(cart: UUID, line: OrderLine)], on transaction: any SQLConnection
    ) async throws {
        try await transaction.enqueue(
            """
            INSERT INTO cart_items (cart_id, sku, name, quantity, unit_price, currency)
            SELECT cart_id, sku, name, quantity, unit_price, currency
            FROM unnest(
                \(lines.map(\.cart)), \(lines.map(\.line.sku)), \(lines.map(\.line.name)), \(lines.map(\.line.quantity)),
                \(lines.map(\.line.unitPrice.amount)), \(lines.map(\.line.unitPrice.currency))
            ) AS new (cart_id, sku, name, quantity, unit_price, currency)
            ON CONFLICT (cart_id, sku) DO UPDATE
            SET name = excluded.name, quantity = excluded.quantity, unit_price = excluded.unit_price, currency = excluded.currency
            """)
    }

    static func remove(_ items: [(cart: UUID, sku: String)], on transaction: any SQLConnection) async throws {
        try await transaction.enqueue(
            """
            DELETE FROM cart_items USING unnest(\(items.map(\.cart)), \(items.map(\.sku))) AS gone (cart_id, sku)
            WHERE cart_items.cart_id = gone.cart_id AND cart_items.sku = gone.sku
            """)
    }

    /// Writes the carts' versions and expiry times, which every change renews.
    static func touch(_ carts: [CartRow], on transaction: any SQLConnection) async throws {
        try await transaction.enqueue(
            """
            UPDATE carts SET version = new.version, expires_at = new.expires_at
            FROM unnest(\(carts.map(\.id)), \(carts.map(\.version)), \(carts.map(\.expiresAt))) AS new (id, version, expires_at)
            WHERE carts.id = new.id
            """)
    }

    static func close(_ carts: [(id: UUID, order: UUID)], on transaction: any SQLConnection) async throws {
        try await transaction.enqueue(
            """
            UPDATE carts SET order_id = new.order_id, version = version + 1
            FROM unnest(\(carts.map(\.id)), \(carts.map(\.order))) AS new (id, order_id)
            WHERE carts.id = new.id
            """)
    }

    static func assign(_ cart: UUID, to customer: UUID, on transaction: any SQLConnection) async throws {
        try await transaction.enqueue(
            "UPDATE carts SET customer_id = \(customer), version = version + 1 WHERE id = \(cart)")
    }

    static func delete(_ ids: [UUID], on transaction: any SQLConnection) async throws {
        try await transaction.enqueue("DELETE FROM carts WHERE id = ANY(\(ids))")
    }

    static func deleteExpired(before now: Date, on transaction: any SQLConnection) async throws {
        try await transaction.execute(
            """
            DELETE FROM carts WHERE id IN (
                SELECT id FROM carts WHERE order_id IS NULL AND expires_at < \(now)
                ORDER BY expires_at LIMIT \(expiredAtOnce) FOR UPDATE SKIP LOCKED)
            """)
    }

    private static func lines(_ ids: [UUID]) -> SQL {
        """
        SELECT cart_id, sku, name, quantity, unit_price, currency FROM cart_items
        WHERE cart_id = ANY(\(ids)) ORDER BY cart_id, sku COLLATE "C"
        """
    }

    private static func read(_ rows: [Rows]) throws -> [UUID: CartRow] {
        var carts: [UUID: CartRow] = [:]
        for row in rows[0] {
            let id: UUID = try row.decode("id")
            carts[id] = CartRow(
                id: id, customerID: try row.decode("customer_id"), orderID: try row.decode("order_id"),
                version: try row.decode("version"), expiresAt: try row.decode("expires_at"))
        }
        for row in rows[1] {
            let price = Money(amount: try row.decode("unit_price"), currency: try row.decode("currency"))
            let line = OrderLine(
                sku: try row.decode("sku"), name: try row.decode("name"), quantity: try row.decode("quantity"),
                unitPrice: price)
            carts[try row.decode("cart_id", as: UUID.self)]?.lines.append(line)
        }
        return carts
    }
}
