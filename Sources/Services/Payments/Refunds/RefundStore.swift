import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL

/// The ledger's tables. Rows are read and written only while the attempts of their orders are locked, except by pages for people.
enum RefundStore {
    static func ledger(of orders: [UUID], on connection: any SQLConnection) async throws -> RefundLedger {
        guard !orders.isEmpty else { return RefundLedger(refunds: [], disputes: []) }
        let rows = try await connection.pipeline([
            columns + "WHERE order_id = ANY(\(orders)) ORDER BY id",
            "SELECT order_id, id, amount, reason, outcome FROM disputes WHERE order_id = ANY(\(orders)) ORDER BY id",
        ])
        let disputes = try rows[1].map { row in
            let outcome: String = try row.decode("outcome")
            return Dispute(
                order: try row.decode("order_id"), id: try row.decode("id"), amount: try row.decode("amount"), reason: try row.decode("reason"),
                outcome: GatewayMovements.Dispute.Outcome(rawValue: outcome) ?? .open)
        }
        return RefundLedger(refunds: try rows[0].map(refund), disputes: disputes)
    }

    static func save(_ ledger: RefundLedger, now: Date, on transaction: any SQLConnection) async throws {
        let (refunds, disputes) = ledger.changes
        if !refunds.isEmpty {
            try await transaction.enqueue(
                """
                INSERT INTO refunds (
                    id, order_id, amount, reason, actor, state, gateway_id, round, idempotency_key, key_spent_at, asked_at, detail, due_at,
                    created_at, settlement, updated_at)
                SELECT new.*, \(now) FROM unnest(
                    \(refunds.map(\.id)), \(refunds.map(\.order)), \(refunds.map(\.amount)), \(refunds.map(\.reason)), \(refunds.map(\.actor)),
                    \(refunds.map(\.state.rawValue)), \(refunds.map(\.gatewayID)), \(refunds.map(\.round)), \(refunds.map(\.key)),
                    \(refunds.map(\.keySpentAt)), \(refunds.map(\.askedAt)), \(refunds.map(\.detail)),
                    \(refunds.map(\.dueAt)), \(refunds.map(\.createdAt)), \(refunds.map { $0.settlement?.rawValue })
                ) AS new
                ON CONFLICT (id) DO UPDATE SET
                    state = excluded.state, gateway_id = excluded.gateway_id, round = excluded.round, idempotency_key = excluded.idempotency_key,
                    key_spent_at = excluded.key_spent_at, asked_at = excluded.asked_at, detail = excluded.detail,
                    settlement = excluded.settlement, updated_at = excluded.updated_at
                """)
        }
        guard !disputes.isEmpty else { return }
        try await transaction.enqueue(
            """
            INSERT INTO disputes (order_id, id, amount, reason, outcome, found_at)
            SELECT new.*, \(now) FROM unnest(
                \(disputes.map(\.order)), \(disputes.map(\.id)), \(disputes.map(\.amount)), \(disputes.map(\.reason)),
                \(disputes.map(\.outcome.rawValue))
            ) AS new
            ON CONFLICT (order_id, id) DO UPDATE SET amount = excluded.amount, outcome = excluded.outcome
            """)
    }

    /// The refunds of an order, newest first.
    static func list(
        of order: UUID, after: (Date, UUID)?, limit: Int, on connection: any SQLConnection
    ) async throws -> [Refund] {
        let start: SQL = after.map { "AND (created_at, id) < (\($0.0), \($0.1))" } ?? ""
        return try await connection.query(
            columns + "WHERE order_id = \(order) \(start) ORDER BY created_at DESC, id DESC LIMIT \(limit)"
        ).map(refund)
    }

    /// Refunds that are pending for longer than they should be; each is left alone for a while, which doubles each time.
    static func takePending(
        limit: Int, retryAfter: Double, longest: Double, now: Date, on transaction: any SQLConnection
    ) async throws -> [(refund: PerformRefund, look: Int)] {
        try await transaction.query(
            """
            UPDATE refunds
            SET looks = looks + 1, due_at = \(now) + make_interval(secs => least(\(retryAfter) * 2 ^ least(looks + 1, 30), \(longest)))
            WHERE id IN (
                SELECT id FROM refunds WHERE state = 'pending' AND due_at < \(now)
                ORDER BY due_at LIMIT \(limit) FOR UPDATE SKIP LOCKED)
            RETURNING id, order_id, looks
            """
        ).map { (PerformRefund(refundID: try $0.decode("id"), orderID: try $0.decode("order_id")), try $0.decode("looks")) }
    }

    private static let columns: SQL = """
        SELECT id, order_id, amount, reason, actor, state, gateway_id, round, idempotency_key, key_spent_at, asked_at, detail, due_at,
               looks, settlement, created_at
        FROM refunds

        """

    private static func refund(_ row: Row) throws -> Refund {
        let state: String = try row.decode("state")
        guard let known = RefundState(rawValue: state) else {
            throw Failure("unknown-state", "the refund's state '\(state)' is unknown to this version of Wharf", remedy: .retry)
        }
        var refund = Refund(
            id: try row.decode("id"), order: try row.decode("order_id"), amount: try row.decode("amount"), reason: try row.decode("reason"),
            actor: try row.decode("actor"), now: try row.decode("created_at"))
        refund.state = known
        refund.gatewayID = try row.decode("gateway_id")
        refund.round = try row.decode("round")
        refund.key = try row.decode("idempotency_key")
        refund.keySpentAt = try row.decode("key_spent_at")
        refund.askedAt = try row.decode("asked_at")
        refund.detail = try row.decode("detail")
        refund.dueAt = try row.decode("due_at")
        refund.looks = try row.decode("looks")
        refund.settlement = try row.decode("settlement", as: String?.self).flatMap(Settlement.init)
        return refund
    }
}
