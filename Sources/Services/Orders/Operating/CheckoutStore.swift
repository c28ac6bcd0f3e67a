import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Secrets

/// What the tables store about a checkout besides its order.
struct CheckoutRecord: Sendable {
    let dueAt: Date?
    let redrives: Int
    /// The message that placed the order; nil for orders of versions without it.
    let placedBy: UUID?
    let assignment: CheckoutDetail.Assignment?
    /// Newest first.
    var actions: [CheckoutDetail.Action] = []
}

/// What an operator did about a checkout.
struct CheckoutAction: Sendable {
    enum Kind: String, Sendable {
        case retried, abandoned, assigned
    }

    let order: UUID
    let kind: Kind
    let actor: String
    let detail: String?
    /// The request.
    let message: UUID
}

enum CheckoutStore {
    /// Actions that are shown with one checkout, the newest ones.
    static let maximumActions = 100

    /// Running checkouts, oldest first.
    static func list(_ list: ListCheckouts, now: Date, on connection: any SQLConnection) async throws -> [CheckoutSummary] {
        try await connection.query(
            """
            SELECT order_id, number, phase, reason, drives, listed_at, due_at, payment_state, total, currency, email, assignee
            FROM (\(running(list, now: now))) AS running JOIN orders ON id = order_id LEFT JOIN checkout_assignments USING (order_id)
            ORDER BY listed_at, order_id
            """
        ).map(summary)
    }

    /// Each filter except the state has an index in the order of the list. Checkouts in one state are found by scanning the running ones: as many as are placed within a checkout's lifetime.
    static func running(_ list: ListCheckouts, now: Date) -> SQL {
        var running: SQL = "SELECT order_id, phase, reason, drives, listed_at, due_at, payment_state FROM checkouts WHERE due_minute IS NOT NULL"
        // A literal, which lets the planner use the index of the stuck ones.
        if list.filter.isStuck { running += " AND drives >= \(raw: String(CheckoutFilter.stuckAfter))" }
        if let state = list.filter.state { running += " AND phase = \(state)" }
        if let age = list.filter.olderThan { running += " AND listed_at < \(now.addingTimeInterval(-Double(age)))" }
        if let after = list.after { running += " AND (listed_at, order_id) > (\(after.0), \(after.1))" }
        return running + " ORDER BY listed_at, order_id LIMIT \(list.page.limit + 1)"
    }

    private static func summary(_ row: Row) throws -> CheckoutSummary {
        let retries: Int = try row.decode("drives")
        return CheckoutSummary(
            orderId: try row.decode("order_id"), number: try row.decode("number"), state: try row.decode("phase"), reason: try row.decode("reason"),
            retries: retries, isStuck: retries >= CheckoutFilter.stuckAfter, placedAt: try row.decode("listed_at"), dueAt: try row.decode("due_at"),
            paymentState: PaymentState(rawValue: try row.decode("payment_state")) ?? .pending,
            total: Money(amount: try row.decode("total"), currency: try row.decode("currency")), email: try row.decode("email"),
            assignee: try row.decode("assignee"))
    }

    static func records(of orders: [UUID], on connection: any SQLConnection) async throws -> [UUID: CheckoutRecord] {
        let checkouts = try await connection.query(
            """
            SELECT order_id, due_at, redrives, placed_by, assignee, assigned_at, assigned_by
            FROM checkouts JOIN orders ON id = order_id LEFT JOIN checkout_assignments USING (order_id)
            WHERE order_id = ANY(\(orders))
            """)
        let actions = try await connection.query(
            """
            SELECT order_id, at, actor, action, detail, message_id
            FROM unnest(\(orders)) AS wanted (id) CROSS JOIN LATERAL (
                SELECT * FROM checkout_actions WHERE order_id = wanted.id ORDER BY number DESC LIMIT \(maximumActions)
            ) AS newest
            ORDER BY order_id, number DESC
            """)
        var records: [UUID: CheckoutRecord] = [:]
        for row in checkouts {
            let assignee: String? = try row.decode("assignee")
            records[try row.decode("order_id")] = CheckoutRecord(
                dueAt: try row.decode("due_at"), redrives: try row.decode("redrives"), placedBy: try row.decode("placed_by"),
                assignment: try assignee.map { .init(assignee: $0, at: try row.decode("assigned_at"), by: try row.decode("assigned_by")) })
        }
        for row in actions {
            let message: UUID = try row.decode("message_id")
            records[try row.decode("order_id")]?.actions.append(
                .init(
                    at: try row.decode("at"), actor: try row.decode("actor"), action: try row.decode("action"), detail: try row.decode("detail"),
                    messageId: message.lowerCaseText))
        }
        return records
    }

    static func record(_ actions: [CheckoutAction], now: Date, on transaction: any SQLConnection) async throws {
        guard !actions.isEmpty else { return }
        try await transaction.enqueue(
            """
            INSERT INTO checkout_actions (order_id, at, actor, action, detail, message_id)
            SELECT order_id, \(now), actor, action, detail, message_id
            FROM unnest(
                \(actions.map(\.order)), \(actions.map(\.actor)), \(actions.map(\.kind.rawValue)), \(actions.map(\.detail)), \(actions.map(\.message))
            ) AS new (order_id, actor, action, detail, message_id)
            """)
    }

    /// Erases the reasons that operators gave, which may name the customer.
    static func eraseReasons(of orders: [UUID], on transaction: any SQLConnection) async throws {
        let abandoned = CheckoutAction.Kind.abandoned.rawValue
        try await transaction.enqueue(
            "UPDATE checkout_actions SET detail = \(Erased.text) WHERE order_id = ANY(\(orders)) AND action = \(abandoned) AND detail IS NOT NULL")
    }

    static func existing(_ orders: Set<UUID>, on connection: any SQLConnection) async throws -> Set<UUID> {
        let rows = try await connection.query("SELECT id FROM orders WHERE id = ANY(\(orders.sorted()))")
        return try Set(rows.map { try $0.decode("id") })
    }

    /// - Parameter assignments: By order; nil removes the assignment. They are made in a fixed order, so that two batches cannot deadlock.
    static func assign(_ assignments: [UUID: String?], by actors: [UUID: String], now: Date, on transaction: any SQLConnection) async throws {
        let orders = assignments.keys.sorted()
        try await transaction.enqueue(
            """
            INSERT INTO checkout_assignments (order_id, assignee, assigned_at, assigned_by)
            SELECT order_id, assignee, \(now), actor
            FROM unnest(\(orders), \(orders.map { assignments[$0] ?? nil }), \(orders.map { actors[$0] ?? "" })) AS new (order_id, assignee, actor)
            ORDER BY order_id
            ON CONFLICT (order_id) DO UPDATE SET assignee = excluded.assignee, assigned_at = excluded.assigned_at, assigned_by = excluded.assigned_by
            """)
    }
}
