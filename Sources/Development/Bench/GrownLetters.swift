import PostgreSQL

/// As many dead letters as a very bad week produces: copies of stored ones, in 40 groups, about 300,000 orders for each million.
struct GrownLetters: Sendable {
    /// Rows of one statement.
    private static let atOnce = 50_000
    private static let groups = 40

    let database: PostgresPool

    func fill(_ count: Int) async throws {
        for first in stride(from: 0, to: count, by: Self.atOnce) {
            try Task.checkCancellation()
            try await add(first, min(count, first + Self.atOnce), orders: max(1, count / 10 * 3))
        }
        try await database.withConnection { connection in
            _ = try await connection.execute("VACUUM ANALYZE deadletters.letters")
            _ = try await connection.execute("ANALYZE")
        }
    }

    /// Triggers count them. Nine in ten are open; orders and words differ, as those of messages do.
    private func add(_ first: Int, _ end: Int, orders: Int) async throws {
        try await database.transaction { transaction in
            _ = try await transaction.pipeline([
                """
                CREATE TEMPORARY TABLE grown ON COMMIT DROP AS
                SELECT n, gen_random_uuid() AS id, md5('order ' || n % \(orders)::bigint)::uuid AS order_id, n % \(Self.groups) AS kind,
                       md5('group ' || n % \(Self.groups))::uuid AS group_id, now() - n * interval '100 milliseconds' AS at
                FROM generate_series(\(first)::bigint, \(end - 1)::bigint) AS n
                """,
                """
                INSERT INTO deadletters.letters (
                    id, occurrences, seen, message_id, operation, queue, cause, detail, attempts, history, properties, headers, original, body, body_bytes,
                    state, first_seen_at, last_seen_at, settled_at, settled_by, service, group_id, rules, order_id, order_number, first_failed_at, words
                )
                SELECT grown.id, ARRAY[uuid_send(grown.id)], 1, gen_random_uuid()::text, 'grown.operation' || kind, 'payments.commands', 'cause-' || kind % 8, detail,
                       attempts, history, properties, headers, original, convert_to('{"orderID":"' || grown.order_id || '","orderNumber":"W-' || n || '"}', 'UTF8'), 80,
                       CASE WHEN n % 10 = 0 THEN 'discarded' ELSE 'open' END, grown.at, grown.at, CASE WHEN n % 10 = 0 THEN grown.at END,
                       CASE WHEN n % 10 = 0 THEN 'bench' END, 'payments', grown.group_id, 1, grown.order_id, 'W-' || n, grown.at,
                       array_to_tsvector(string_to_array('orderid,ordernumber,' || n || ',' || replace(grown.order_id::text, '-', ','), ','))
                FROM grown, (SELECT * FROM deadletters.letters WHERE operation = 'bench.poison' LIMIT 1) AS sample
                """,
                """
                INSERT INTO deadletters.group_orders (group_id, order_id) SELECT DISTINCT group_id, order_id FROM grown ON CONFLICT DO NOTHING
                """,
                """
                INSERT INTO deadletters.groups AS kept (id, service, operation, cause, text, first_seen_at, last_seen_at, orders)
                SELECT group_id, 'payments', 'grown.operation' || kind, 'cause-' || kind % 8, 'grown', min(at), max(at), 0
                FROM grown GROUP BY group_id, kind ORDER BY group_id
                ON CONFLICT (id) DO UPDATE SET first_seen_at = least(kept.first_seen_at, excluded.first_seen_at), last_seen_at = greatest(kept.last_seen_at, excluded.last_seen_at)
                """,
                """
                UPDATE deadletters.groups SET orders = (SELECT count(*) FROM deadletters.group_orders WHERE group_id = groups.id) WHERE text = 'grown'
                """,
                """
                INSERT INTO deadletters.group_hours AS kept (hour, group_id, deaths)
                SELECT date_trunc('hour', at, 'UTC'), group_id, count(*) FROM grown GROUP BY 1, 2 ORDER BY 1, 2
                ON CONFLICT (hour, group_id) DO UPDATE SET deaths = kept.deaths + excluded.deaths
                """,
            ])
        }
    }
}
