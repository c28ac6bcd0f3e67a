import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Secrets

/// `GET /v1/payments/unresolved`: what only people can settle, newest first. Each of its four sources has an index of the few rows that are open.
enum UnresolvedList {
    static func list(_ items: [IncomingMessage<ListUnresolved>], on connection: any SQLConnection) async throws -> [Outcome] {
        var outcomes: [Outcome] = []
        for item in items {
            let page = item.input.page
            let rows = try await read(after: item.input.after, limit: page.limit + 1, on: connection)
            let list = try Page(rows, page, item: { $0.view }, key: { [String($0.micros), $0.view.id] })
            outcomes.append(.done(try Reply(json: list)))
        }
        return outcomes
    }

    private static func read(
        after: UnresolvedCursor?, limit: Int, on connection: any SQLConnection
    ) async throws -> [(view: UnresolvedView, micros: Int)] {
        let start: SQL = after.map { "WHERE (micros, id COLLATE \"C\") < (\($0.micros), \($0.id))" } ?? ""
        return try await read(start + " ORDER BY micros DESC, id COLLATE \"C\" DESC LIMIT \(limit)", on: connection)
    }

    /// The unresolved payments with one of these ids, or of an order with one of them.
    static func find(_ ids: [String], on connection: any SQLConnection) async throws -> [Unsettled] {
        let names = ids.map { UUID(text: $0)?.lowerCaseText ?? $0 }
        let rows = try await read("WHERE id = ANY(\(names)) OR order_id::text = ANY(\(names)) ORDER BY id COLLATE \"C\"", on: connection)
        return rows.compactMap { row in
            UUID(text: row.view.orderId).map { Unsettled(kind: row.view.kind, id: row.view.id, order: $0, amount: row.view.amount) }
        }
    }

    private static func read(_ selected: SQL, on connection: any SQLConnection) async throws -> [(view: UnresolvedView, micros: Int)] {
        let rows = try await connection.query(
            """
            SELECT kind, id, order_id, amount, currency, detail, since, micros FROM (
                SELECT open.*, (extract(epoch FROM since) * 1000000)::bigint AS micros FROM (
                    SELECT 'dispute' AS kind, disputes.id, order_id, disputes.amount, currency, reason AS detail, found_at AS since
                    FROM disputes JOIN attempts USING (order_id) WHERE outcome = 'open'
                    UNION ALL
                    SELECT 'refund', refunds.id::text, order_id, refunds.amount, currency, coalesce(refunds.detail, ''), refunds.updated_at
                    FROM refunds JOIN attempts USING (order_id) WHERE refunds.state = 'needsOperator'
                    UNION ALL
                    SELECT 'payment', coalesce(intent_id, order_id::text), order_id, CASE state WHEN 'uncaptured' THEN amount ELSE coalesce(captured, amount) - refunded END, currency, coalesce(detail, ''), unresolved_since
                    FROM attempts WHERE unresolved_since IS NOT NULL
                    UNION ALL
                    SELECT 'unclaimed', intent_id, order_id, amount, currency, detail, found_at
                    FROM unclaimed_payments WHERE settled_at IS NULL
                ) AS open
            ) AS unresolved
            \(selected)
            """)
        return try rows.map { row in
            let kind: String = try row.decode("kind")
            let view = UnresolvedView(
                kind: UnresolvedView.Kind(rawValue: kind) ?? .payment, id: try row.decode("id"),
                orderId: try row.decode("order_id", as: UUID.self).lowerCaseText,
                amount: Money(amount: try row.decode("amount"), currency: try row.decode("currency")), detail: try row.decode("detail"),
                since: try row.decode("since"))
            return (view, try row.decode("micros"))
        }
    }
}
