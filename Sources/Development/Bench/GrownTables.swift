import PostgreSQL

/// Makes the tables as large as those of a shop that has been open for a long time: real orders of this run, many times over.
struct GrownTables: Sendable {
    /// Rows of one statement.
    private static let atOnce = 100_000
    /// How the inbox rows are shared among the services, in tenths: as many as each writes for an order. Their ids are as the shop has them: those of its own
    /// messages begin with the time, those that follow from a client's key or from a webhook are unordered.
    private static let inboxes = [
        (service: "orders", tenths: 4, isOrdered: true), ("catalog", 2, true), ("carts", 2, false), ("payments", 1, true), ("payments", 1, false),
    ]

    /// A time's millisecond, then random bits.
    private static func orderedID(_ time: String) -> String {
        "(lpad(to_hex((extract(epoch FROM \(time)) * 1000)::bigint), 12, '0') || '8' || substr(md5(random()::text), 1, 19))::uuid"
    }

    let database: PostgresPool

    /// A year's orders and six days' inbox rows, both in chronological order.
    ///
    /// Uses `INSERT … SELECT`, because its rows never leave the server: with `COPY` they would have to be sent there first.
    /// - Returns: the size of the database in bytes.
    func fill(orders: Int, inboxRows: Int) async throws -> Int {
        for first in stride(from: 0, to: orders, by: Self.atOnce) {
            try Task.checkCancellation()
            try await addOrders(first, min(orders, first + Self.atOnce), of: orders)
        }
        for (service, tenths, isOrdered) in Self.inboxes {
            try await addDays(to: service)
            let count = inboxRows / 10 * tenths
            for first in stride(from: 0, to: count, by: Self.atOnce) {
                try Task.checkCancellation()
                try await addInboxRows(service, first, min(count, first + Self.atOnce), of: count, isOrdered)
            }
        }
        return try await database.withConnection { connection in
            _ = try await connection.execute("ANALYZE")
            return try await connection.query("SELECT pg_database_size(current_database()) AS size").first?.decode("size") ?? 0
        }
    }

    /// Each with its checkout, its reservation and its payment.
    private func addOrders(_ first: Int, _ end: Int, of count: Int) async throws {
        try await database.transaction { transaction in
            _ = try await transaction.pipeline([
                """
                CREATE TEMPORARY TABLE grown ON COMMIT DROP AS
                WITH samples AS (
                    SELECT row_number() OVER () - 1 AS t, orders.id AS sample
                    FROM orders.orders JOIN orders.checkouts ON order_id = id AND phase = 'confirmed' LIMIT 100)
                SELECT \(raw: Self.orderedID("at")) AS id, gen_random_uuid() AS cart, n, at, sample
                FROM generate_series(\(first)::bigint, \(end - 1)::bigint) AS n
                CROSS JOIN LATERAL (SELECT now() - interval '1 year' * (1 - n::float8 / \(count)::bigint) AS at) AS placed
                JOIN samples ON t = n % (SELECT count(*) FROM samples)
                """,
                """
                INSERT INTO orders.orders
                    (id, number, cart_id, customer_id, email, shipping_address, payment, lines, total, currency, placed_at)
                SELECT grown.id, 'G-' || n, cart, NULL, email, shipping_address, payment, lines, total, currency, at
                FROM grown JOIN orders.orders ON orders.id = sample
                """,
                """
                INSERT INTO orders.checkouts (order_id, phase, payment_state, version, history)
                SELECT id, phase, payment_state, version, history FROM grown JOIN orders.checkouts ON order_id = sample
                """,
                """
                INSERT INTO catalog.reservations (order_id, state, skus, quantities, at)
                SELECT id, state, skus, quantities, grown.at FROM grown JOIN catalog.reservations ON order_id = sample
                """,
                """
                INSERT INTO payments.attempts
                    (order_id, idempotency_key, amount, currency, payment_method, order_number, state, intent_id, created_at, updated_at)
                SELECT id, gen_random_uuid(), amount, currency, payment_method, 'G-' || n, state, 'pi_grown_' || n, created_at, updated_at
                FROM grown JOIN payments.attempts ON order_id = sample
                """,
            ])
        }
    }

    /// Creates the inbox's partitions for the days before yesterday, which a new shop does not have.
    private func addDays(to service: String) async throws {
        try await database.withConnection { connection in
            for ago in 2...7 {
                let rows = try await connection.query(
                    """
                    SELECT to_char(day, 'YYYYMMDD') AS name, to_char(day, 'YYYY-MM-DD') AS first, to_char(day + 1, 'YYYY-MM-DD') AS next
                    FROM (SELECT (now() AT TIME ZONE 'UTC')::date - \(ago)::integer AS day) AS days
                    """)
                guard let row = rows.first else { continue }
                let (name, first, next) = (try row.decode("name", as: String.self), try row.decode("first", as: String.self), try row.decode("next", as: String.self))
                _ = try await connection.execute(
                    """
                    CREATE TABLE IF NOT EXISTS \(identifier: service).inbox_\(raw: name) PARTITION OF \(identifier: service).inbox
                    FOR VALUES FROM ('\(raw: first) 00:00:00Z') TO ('\(raw: next) 00:00:00Z')
                    """)
            }
        }
    }

    /// With the most frequent output, an event for a saga.
    private func addInboxRows(_ service: String, _ first: Int, _ end: Int, of count: Int, _ isOrdered: Bool) async throws {
        try await database.withConnection { connection in
            _ = try await connection.execute(
                """
                INSERT INTO \(identifier: service).inbox (message_id, fingerprint, outputs, at, ordered)
                SELECT \(raw: isOrdered ? Self.orderedID("handled.at") : "gen_random_uuid()"), fingerprint, outputs, handled.at, true
                FROM generate_series(\(first)::bigint, \(end - 1)::bigint) AS n
                CROSS JOIN LATERAL (SELECT now() - interval '6 days' * (1 - n::float8 / \(count)::bigint) AS at) AS handled,
                     (SELECT fingerprint, outputs FROM catalog.inbox WHERE outputs::text LIKE '%stockReserved%' LIMIT 1) AS sample
                """)
        }
    }
}
