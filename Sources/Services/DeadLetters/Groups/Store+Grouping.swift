import PostgreSQL

extension DeadLetterStore {
    /// The parts of a statement that enter letters into their groups; `letters` and `texts` name parts before them.
    ///
    /// - Parameters:
    ///   - letters: each row has `id`, `group_id`, `order_id`, `first_seen_at` and `last_seen_at`.
    ///   - texts: has `id`, `service`, `operation`, `cause` and `group_text` of each of them.
    ///
    /// A group that a letter enters after one of the group was replayed, or after the group was resolved, has returned; a resolved one is open again.
    static func grouping(_ letters: String, texts: String) -> SQL {
        """
        named AS (
            INSERT INTO group_orders (group_id, order_id)
            SELECT DISTINCT group_id, order_id FROM \(raw: letters) WHERE order_id IS NOT NULL ORDER BY group_id, order_id
            ON CONFLICT DO NOTHING
            RETURNING group_id
        ),
        grouped AS (
            INSERT INTO groups AS kept (id, service, operation, cause, text, first_seen_at, last_seen_at, orders)
            SELECT group_id, min(service), min(operation), min(cause), min(group_text), min(first_seen_at), max(last_seen_at),
                   (SELECT count(*) FROM named WHERE named.group_id = entered.group_id)
            FROM \(raw: letters) AS entered JOIN (SELECT id, service, operation, cause, group_text FROM \(raw: texts)) AS described USING (id)
            GROUP BY group_id ORDER BY group_id
            ON CONFLICT (id) DO UPDATE
            SET first_seen_at = least(kept.first_seen_at, excluded.first_seen_at), last_seen_at = greatest(kept.last_seen_at, excluded.last_seen_at),
                orders = kept.orders + excluded.orders,
                returned = CASE
                    WHEN kept.state = 'resolved' AND excluded.last_seen_at >= kept.resolved_at THEN 'resolved'
                    WHEN excluded.last_seen_at >= kept.replayed_at THEN 'replay'
                    ELSE kept.returned
                END,
                state = CASE WHEN kept.state = 'resolved' AND excluded.last_seen_at >= kept.resolved_at THEN 'open' ELSE kept.state END
        )
        """
    }
}
