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

    /// The present millisecond, then random bits.
    private static let orderedID =
        "(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '8' || substr(md5(random()::text), 1, 19))::uuid"

    let database: PostgresPool

    func fill(orders: Int, inboxRows: Int) async throws {
        for first in stride(from: 0, to: orders, by: Self.atOnce) {
            try Task.checkCancellation()
            try await addOrders(first, min(orders, first + Self.atOnce))
        }
        for (service, tenths, isOrdered) in Self.inboxes {
            for first in stride(from: 0, to: inboxRows / 10 * tenths, by: Self.atOnce) {
                try Task.checkCancellation()
                try await addInboxRows(service, min(Self.atOnce, inboxRows / 10 * tenths - first), isOrdered)
            }
        }
        try await database.withConnection { _ = try await $0.execute("ANALYZE") }
    }

    /// Each with its checkout, its reservation and its payment.
    private func addOrders(_ first: Int, _ end: Int) async throws {
        try await database.transaction { transaction in
            _ = try await transaction.pipeline([
                """
                CREATE TEMPORARY TABLE grown ON COMMIT DROP AS
                WITH samples AS (
                    SELECT row_number() OVER () - 1 AS t, orders.id AS sample
                    FROM orders.orders JOIN orders.checkouts ON order_id = id AND phase = 'confirmed' LIMIT 100)
                SELECT \(raw: Self.orderedID) AS id, gen_random_uuid() AS cart, n, sample
                FROM generate_series(\(first)::bigint, \(end - 1)::bigint) AS n
                JOIN samples ON t = n % (SELECT count(*) FROM samples)
                """,
                """
                INSERT INTO orders.orders
                    (id, number, cart_id, customer_id, email, shipping_address, payment, lines, total, currency, placed_at)
                SELECT grown.id, 'G-' || n, cart, NULL, email, shipping_address, payment, lines, total, currency,
                       placed_at - n * interval '1 second'
                FROM grown JOIN orders.orders ON orders.id = sample
                """,
                """
                INSERT INTO orders.checkouts (order_id, phase, payment_state, version, history)
                SELECT id, phase, payment_state, version, history FROM grown JOIN orders.checkouts ON order_id = sample
                """,
                """
                INSERT INTO catalog.reservations (order_id, state, skus, quantities, at)
                SELECT id, state, skus, quantities, at FROM grown JOIN catalog.reservations ON order_id = sample
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

    /// With the most frequent output, an event for a saga.
    private func addInboxRows(_ service: String, _ count: Int, _ isOrdered: Bool) async throws {
        try await database.withConnection { connection in
            _ = try await connection.execute(
                """
                INSERT INTO \(identifier: service).inbox (message_id, fingerprint, outputs, at, ordered)
                SELECT \(raw: isOrdered ? Self.orderedID : "gen_random_uuid()"), fingerprint, outputs, now(), true
                FROM generate_series(1, \(count)::bigint),
                     (SELECT fingerprint, outputs FROM catalog.inbox WHERE outputs::text LIKE '%stockReserved%' LIMIT 1) AS sample
                """)
        }
    }
}
