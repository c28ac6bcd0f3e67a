import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL

enum Store {
    /// Events older than this cannot arrive again: gateways repeat them for days, not weeks.
    static let webhookRetention: Double = 30 * 86_400

    /// Adds missing attempts, and returns all of them as they are, locked in one order. If a missing one exists by the time it is written, the transaction fails and is retried.
    static func begin(
        _ attempts: [Attempt], now: Date, on transaction: any SQLConnection
    ) async throws -> (attempts: LockedAttempts, added: Set<UUID>) {
        var rows = try read(await transaction.query(locking(attempts.map(\.order))))
        let missing = Dictionary(attempts.filter { rows[$0.order] == nil }.map { ($0.order, $0) }, uniquingKeysWith: { first, _ in first })
        try await insert(missing.values.sorted { $0.order < $1.order }, now: now, on: transaction)
        rows.merge(missing) { old, _ in old }
        return (LockedAttempts(rows), Set(missing.keys))
    }

    private static func insert(_ attempts: [Attempt], now: Date, on transaction: any SQLConnection) async throws {
        guard !attempts.isEmpty else { return }
        try await transaction.enqueue(
            """
            WITH added AS (
                INSERT INTO attempts (
                    order_id, idempotency_key, amount, currency, payment_method, order_number, state, sent_until, created_at, updated_at, gateway,
                    captured_later, gateway_customer, save_for)
                SELECT order_id, key, amount, currency, method, number, state, sent_until, \(now), \(now), gateway, captured_later, customer, save_for
                FROM unnest(
                    \(attempts.map(\.order)), \(attempts.map(\.charge.idempotencyKey)), \(attempts.map(\.charge.amount.amount)),
                    \(attempts.map(\.charge.amount.currency)), \(attempts.map(\.charge.paymentMethod)),
                    \(attempts.map(\.charge.orderNumber)), \(attempts.map(\.state.rawValue)), \(attempts.map(\.sentUntil)),
                    \(attempts.map(\.charge.gateway.rawValue)), \(attempts.map(\.charge.isCapturedLater)), \(attempts.map(\.charge.customer)),
                    \(attempts.map(\.charge.saveFor))
                ) AS new (order_id, key, amount, currency, method, number, state, sent_until, gateway, captured_later, customer, save_for)
                ORDER BY order_id
                ON CONFLICT DO NOTHING
                RETURNING 1
            )
            SELECT expect_rows(\(attempts.count), (SELECT count(*) FROM added))
            """)
    }

    static func lock(_ orders: [UUID], on transaction: any SQLConnection) async throws -> LockedAttempts {
        LockedAttempts(try read(await transaction.query(locking(orders))))
    }

    /// The statement of `lock`, which is also the first one of `begin`.
    static func locking(_ orders: [UUID]) -> SQL {
        columns + "WHERE order_id = ANY(\(Set(orders).sorted())) ORDER BY order_id FOR UPDATE"
    }

    static func find(_ orders: [UUID], on connection: any SQLConnection) async throws -> [UUID: Attempt] {
        try read(await connection.query(columns + "WHERE order_id = ANY(\(orders))"))
    }

    /// Where a page in the order of time ended.
    struct Position: Sendable {
        let at: Date
        let order: UUID
    }

    /// The gateway's attempts of a period, oldest first.
    static func page(
        of gateway: GatewayName, after position: Position?, in period: Range<Date>, limit: Int, on connection: any SQLConnection
    ) async throws -> [Attempt] {
        let start: SQL = position.map { "AND (created_at, order_id) > (\($0.at), \($0.order))" } ?? ""
        let rows = try await connection.query(
            columns + "WHERE created_at >= \(period.lowerBound) AND created_at < \(period.upperBound) \(start) "
                + "AND gateway = \(gateway.rawValue) ORDER BY created_at, order_id LIMIT \(limit)")
        return try read(rows).values.sorted { ($0.createdAt, $0.order) < ($1.createdAt, $1.order) }
    }

    /// Saves changed attempts, and the methods that their payments have saved. If another transaction has changed an attempt since it was read, this one fails and is retried.
    static func save(_ locked: LockedAttempts, now: Date, on transaction: any SQLConnection) async throws {
        let (attempts, read) = (locked.changes.map { $0.attempt }, locked.changes.map { $0.read })
        guard !attempts.isEmpty else { return }
        try await MethodStore.add(attempts.compactMap(\.newMethod), now: now, on: transaction)
        try await transaction.enqueue(
            """
            WITH saved AS (
                UPDATE attempts
                SET state = new.state, void_requested = new.void_requested, intent_id = new.intent_id,
                    client_secret = new.client_secret, detail = new.detail, sent_until = new.sent_until,
                    idempotency_key = new.key, key_spent_at = new.key_spent_at, refunded = new.refunded, disputed = new.disputed,
                    refund_refused = new.refused, refund_tries = new.refund_tries, version = new.version, captured = new.captured,
                    refunded_elsewhere = new.elsewhere, capture_requested = new.capture_requested, gateway_customer = new.customer,
                    save_for = new.save_for, updated_at = \(now)
                FROM unnest(
                    \(attempts.map(\.order)), \(attempts.map(\.state.rawValue)), \(attempts.map(\.voidRequested)),
                    \(attempts.map(\.intent)), \(attempts.map(\.clientSecret)), \(attempts.map(\.detail)), \(attempts.map(\.sentUntil)),
                    \(attempts.map(\.charge.idempotencyKey)), \(attempts.map(\.keySpentAt)), \(attempts.map(\.refunded)),
                    \(attempts.map(\.isDisputed)), \(attempts.map(\.hasRefusedRefund)), \(attempts.map(\.refundTries)), \(attempts.map(\.version)),
                    \(read), \(attempts.map(\.taken)), \(attempts.map(\.refundedElsewhere)), \(attempts.map(\.captureRequested)),
                    \(attempts.map(\.charge.customer)), \(attempts.map(\.charge.saveFor))
                ) AS new (
                    order_id, state, void_requested, intent_id, client_secret, detail, sent_until, key, key_spent_at, refunded, disputed,
                    refused, refund_tries, version, read_version, captured, elsewhere, capture_requested, customer, save_for)
                WHERE attempts.order_id = new.order_id AND attempts.version = new.read_version
                RETURNING 1
            )
            SELECT expect_rows(\(attempts.count), (SELECT count(*) FROM saved))
            """)
    }

    /// Records events, so that the gateway is queried once for each.
    static func addEvents(_ ids: [String], now: Date, on transaction: any SQLConnection) async throws {
        guard !ids.isEmpty else { return }
        try await transaction.enqueue(
            """
            INSERT INTO webhook_events (event_id, at)
            SELECT DISTINCT id, \(now) FROM unnest(\(ids)) AS id ORDER BY id
            ON CONFLICT DO NOTHING
            """)
    }

    /// The events that are recorded already.
    static func knownEvents(_ ids: [String], on connection: any SQLConnection) async throws -> Set<String> {
        let rows = try await connection.query("SELECT event_id FROM webhook_events WHERE event_id = ANY(\(ids))")
        return try Set(rows.map { try $0.decode("event_id", as: String.self) })
    }

    static func dropEvents(before now: Date, on transaction: any SQLConnection) async throws {
        try await transaction.execute(
            "DELETE FROM webhook_events WHERE at < \(now.addingTimeInterval(-webhookRetention))")
    }

    private static let columns: SQL = """
        SELECT order_id, idempotency_key, amount, currency, payment_method, order_number, state, void_requested, intent_id,
               client_secret, detail, sent_until, key_spent_at, refunded, disputed, refund_refused, refund_tries, version, created_at, gateway,
               captured, refunded_elsewhere, captured_later, capture_requested, gateway_customer, save_for
        FROM attempts

        """

    private static func read(_ rows: Rows) throws -> [UUID: Attempt] {
        var attempts: [UUID: Attempt] = [:]
        for row in rows {
            let order: UUID = try row.decode("order_id")
            let state: String = try row.decode("state")
            guard let known = Attempt.State(rawValue: state) else {
                throw Failure("unknown-state", "the payment's state '\(state)' is unknown to this version of Wharf", remedy: .retry)
            }
            let gateway: String = try row.decode("gateway")
            guard let gateway = GatewayName(rawValue: gateway) else {
                throw Failure("unknown-gateway", "the gateway '\(gateway)' is unknown to this version of Wharf", remedy: .retry)
            }
            let charge = Charge(
                order: order, orderNumber: try row.decode("order_number"),
                amount: Money(amount: try row.decode("amount"), currency: try row.decode("currency")),
                paymentMethod: try row.decode("payment_method"), idempotencyKey: try row.decode("idempotency_key"), gateway: gateway,
                isCapturedLater: try row.decode("captured_later"), customer: try row.decode("gateway_customer"), saveFor: try row.decode("save_for"))
            attempts[order] = Attempt(
                order: order, charge: charge, state: known, voidRequested: try row.decode("void_requested"),
                intent: try row.decode("intent_id"), clientSecret: try row.decode("client_secret"),
                detail: try row.decode("detail"), sentUntil: try row.decode("sent_until"),
                keySpentAt: try row.decode("key_spent_at"), taken: try row.decode("captured"), refunded: try row.decode("refunded"),
                refundedElsewhere: try row.decode("refunded_elsewhere"), captureRequested: try row.decode("capture_requested"),
                isDisputed: try row.decode("disputed"), hasRefusedRefund: try row.decode("refund_refused"),
                refundTries: try row.decode("refund_tries"), version: try row.decode("version"),
                createdAt: try row.decode("created_at"))
        }
        return attempts
    }
}
