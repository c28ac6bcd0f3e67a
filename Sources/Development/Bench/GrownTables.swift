import FoundationEssentials
import PostgreSQL
import Terminal

/// Makes the tables as large as those of a shop that has been open for a long time: real orders of this run, many times over.
///
/// Uses `INSERT … SELECT`, because its rows never leave the server: with `COPY` they would have to be sent there first. Orders and inboxes are written at the same
/// time, on a connection each.
struct GrownTables: Sendable {
    /// Rows of one statement.
    static let atOnce = 100_000
    private static let sampled = 100
    /// Tables that get rows for each order.
    static let tables = [
        "orders.orders", "orders.checkouts", "orders.order_skus", "catalog.reservations", "payments.attempts", "notifications.notifications", "carts.carts", "carts.cart_items",
    ]
    /// Settings for the time of loading only: few checkpoints, large sorts, and no autovacuum of tables that are vacuumed at the end.
    private static let loadSettings: [(name: String, value: SQL)] = [
        ("max_wal_size", "'4GB'"), ("checkpoint_timeout", "'1h'"), ("maintenance_work_mem", "'512MB'"), ("autovacuum", "off"),
    ]

    /// A time's millisecond, then random bits.
    static func orderedID(_ time: String) -> String {
        "(lpad(to_hex((extract(epoch FROM \(time)) * 1000)::bigint), 12, '0') || '8' || substr(md5(random()::text), 1, 19))::uuid"
    }

    let database: PostgresPool

    /// Adds a year's orders with what they leave in each service, and six days' inbox rows, both in chronological order. Also adds a further day of inbox rows, which
    /// ``GrownInboxes/expire(_:logger:)`` attaches and drops.
    /// - Returns: the size of the database in bytes.
    func fill(orders: Int, inboxRows: Int) async throws -> Int {
        for (name, value) in Self.loadSettings { try await execute("ALTER SYSTEM SET \(identifier: name) = \(value)") }
        try await execute("SELECT pg_reload_conf()")
        do {
            try await load(orders: orders, inboxRows: inboxRows)
        } catch {
            try? await restoreSettings()
            throw error
        }
        try await restoreSettings()
        return try await database.withConnection { connection in
            try await connection.query("SELECT pg_database_size(current_database()) AS size").first?.decode("size") ?? 0
        }
    }

    private func load(orders: Int, inboxRows: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await addOrders(orders) }
            group.addTask { try await GrownInboxes(database: database).fill(inboxRows) }
            try await group.waitForAll()
        }
        // Autovacuum has long done this to tables with a year's rows.
        try await execute("VACUUM (FREEZE, ANALYZE)")
    }

    private func restoreSettings() async throws {
        for (name, _) in Self.loadSettings { try await execute("ALTER SYSTEM RESET \(identifier: name)") }
        try await execute("SELECT pg_reload_conf()")
        try await execute("CHECKPOINT")
    }

    private func execute(_ sql: SQL) async throws {
        try await database.withConnection { _ = try await $0.execute(sql) }
    }

    private func addOrders(_ count: Int) async throws {
        let samples = try await database.withConnection { connection in
            try await connection.query("SELECT order_id FROM orders.checkouts WHERE phase = 'confirmed' LIMIT \(Self.sampled)::bigint").map { try $0.decode("order_id", as: UUID.self) }
        }
        guard !samples.isEmpty else { throw BenchError(.wrong, "No confirmed orders to fill the tables with.") }
        let indexes = try await dropIndexes()
        for first in stride(from: 0, to: count, by: Self.atOnce) {
            try Task.checkCancellation()
            try await addOrders(first, min(count, first + Self.atOnce), of: count, like: samples)
        }
        for index in indexes { try await execute("\(raw: index)") }
    }

    /// Drops those indexes that are faster to build from the complete tables and get the same shape: new entries always go to their end, or are sorted into lists.
    /// Indexes with a condition stay, because the shop looks for due work with them, and so does the index of carts, whose ids are random.
    /// - Returns: the statements that create them again.
    private func dropIndexes() async throws -> [String] {
        try await database.withConnection { connection in
            let rows = try await connection.query(
                """
                SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index
                WHERE indrelid = ANY(\(Self.tables)::regclass[]) AND indpred IS NULL
                  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
                """)
            var definitions: [String] = []
            for row in rows {
                try await connection.execute("DROP INDEX \(raw: try row.decode("name", as: String.self))")
                definitions.append(try row.decode("definition"))
            }
            return definitions
        }
    }

    /// Each with its checkout, its reservation and its payment.
    private func addOrders(_ first: Int, _ end: Int, of count: Int, like samples: [UUID]) async throws {
        try await database.transaction { transaction in
            _ = try await transaction.pipeline([
                // Triggers do not run: the rows satisfy the foreign keys, and SKUs are listed below.
                "SET LOCAL session_replication_role = 'replica'",
                """
                CREATE TEMPORARY TABLE grown ON COMMIT DROP AS
                SELECT \(raw: Self.orderedID("at")) AS id, gen_random_uuid() AS cart, gen_random_uuid() AS notification, n, at,
                       (\(samples)::uuid[])[(1 + n % \(samples.count)::bigint)::integer] AS sample
                FROM generate_series(\(first)::bigint, \(end - 1)::bigint) AS n
                CROSS JOIN LATERAL (SELECT now() - interval '1 year' * (1 - n::float8 / \(count)::bigint) AS at) AS placed
                """,
                """
                INSERT INTO orders.orders
                    (id, number, cart_id, customer_id, email, shipping_address, payment, lines, total, currency, placed_at)
                SELECT grown.id, 'G-' || n, cart, NULL, email, shipping_address, payment, lines, total, currency, at
                FROM grown JOIN (SELECT * FROM orders.orders WHERE id = ANY(\(samples))) AS model ON model.id = sample ORDER BY n
                """,
                """
                INSERT INTO orders.checkouts (order_id, phase, payment_state, version, history, listed_at)
                SELECT id, phase, payment_state, version, history, at
                FROM grown JOIN (SELECT * FROM orders.checkouts WHERE order_id = ANY(\(samples))) AS model ON order_id = sample ORDER BY n
                """,
                """
                INSERT INTO orders.order_skus (sku, placed_at, order_id)
                SELECT sku, at, grown.id
                FROM grown JOIN (
                    SELECT DISTINCT id, line ->> 'sku' AS sku FROM orders.orders, jsonb_array_elements(lines) AS line WHERE id = ANY(\(samples))) AS model ON model.id = sample
                ORDER BY sku, at
                """,
                """
                INSERT INTO catalog.reservations (order_id, state, skus, quantities, at)
                SELECT id, state, skus, quantities, grown.at
                FROM grown JOIN (SELECT * FROM catalog.reservations WHERE order_id = ANY(\(samples))) AS model ON order_id = sample ORDER BY n
                """,
                """
                INSERT INTO payments.attempts
                    (order_id, idempotency_key, amount, currency, payment_method, order_number, state, intent_id, created_at, updated_at)
                SELECT id, gen_random_uuid(), amount, currency, payment_method, 'G-' || n, state, 'pi_grown_' || n, at, at
                FROM grown JOIN (SELECT * FROM payments.attempts WHERE order_id = ANY(\(samples))) AS model ON order_id = sample ORDER BY n
                """,
                """
                INSERT INTO notifications.notifications (id, order_id, kind, channel, recipient, result, created_at, sent_at)
                SELECT notification, grown.id, kind, channel, recipient, result, at, at
                FROM grown JOIN (SELECT * FROM notifications.notifications WHERE order_id = ANY(\(samples))) AS model ON order_id = sample ORDER BY n
                """,
                """
                INSERT INTO carts.carts (id, order_id, version, expires_at) SELECT cart, id, 6, at + interval '30 days' FROM grown ORDER BY n
                """,
                """
                INSERT INTO carts.cart_items (cart_id, sku, name, quantity, unit_price, currency)
                SELECT cart, sku, name, quantity, unit_price, model.currency
                FROM grown JOIN (
                    SELECT placed.id, items.* FROM orders.orders AS placed JOIN carts.cart_items AS items USING (cart_id) WHERE placed.id = ANY(\(samples))) AS model
                    ON model.id = sample
                ORDER BY n, sku
                """,
            ])
        }
    }
}
