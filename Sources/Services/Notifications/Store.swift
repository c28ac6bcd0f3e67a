import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Secrets

/// A notification to be sent once.
struct NewNotification: Sendable {
    let id: UUID
    /// Nil for a notification about an account.
    let orderID: UUID?
    /// Nil for a notification about an order.
    let userID: UUID?
    let kind: String
    let channel: String
    let recipient: String
}

enum Store {
    struct Noted: Sendable {
        let createdAt: Date
        let isSent: Bool
    }

    /// The result of an attempt to send a notification.
    enum Attempt {
        case sent
        /// Permanently, and why: it waits among the dead letters.
        case refused(String)
        /// For now, and why.
        case delayed(String)
        /// It is no longer true, and was not sent.
        case pointless
    }

    /// Stores the new ones, and returns the state of each.
    static func note(
        _ notifications: [NewNotification], now: Date, on transaction: any SQLConnection
    ) async throws -> [UUID: Noted] {
        let results = try await transaction.pipeline([
            """
            INSERT INTO notifications (id, order_id, user_id, kind, channel, recipient, created_at)
            SELECT id, order_id, user_id, kind, channel, recipient, \(now)
            FROM unnest(
                \(notifications.map(\.id)), \(notifications.map(\.orderID)), \(notifications.map(\.userID)), \(notifications.map(\.kind)),
                \(notifications.map(\.channel)), \(notifications.map(\.recipient))
            ) AS new (id, order_id, user_id, kind, channel, recipient)
            ORDER BY id
            ON CONFLICT (id) DO NOTHING
            """,
            "SELECT id, created_at, result = 'sent' AS is_sent FROM notifications WHERE id = ANY(\(notifications.map(\.id)))",
        ])
        return try Dictionary(
            results[1].map { row in
                (try row.decode("id"), Noted(createdAt: try row.decode("created_at"), isSent: try row.decode("is_sent")))
            }, uniquingKeysWith: { first, _ in first })
    }

    /// A notification that was sent stays sent.
    static func record(_ attempts: [UUID: Attempt], now: Date, on transaction: any SQLConnection) async throws {
        guard !attempts.isEmpty else { return }
        let sorted = attempts.sorted { $0.key < $1.key }
        try await transaction.enqueue(
            """
            UPDATE notifications
            SET result = attempt.result, detail = attempt.detail, sent_at = CASE WHEN attempt.result = 'sent' THEN \(now) END
            FROM unnest(\(sorted.map(\.key)), \(sorted.map(\.value.result)), \(sorted.map(\.value.detail))) AS attempt (id, result, detail)
            WHERE notifications.id = attempt.id AND notifications.result <> 'sent'
            """)
        try await WaitingStore.record(sorted, now: now, on: transaction)
    }

    /// Those of the orders whose end was announced, or is about to be.
    static func ended(_ orders: [UUID], on connection: any SQLConnection) async throws -> Set<UUID> {
        let ends: [NotificationKind] = [.orderConfirmed, .orderRejected, .orderCancelled]
        let rows = try await connection.query(
            "SELECT DISTINCT order_id FROM notifications WHERE order_id = ANY(\(orders)) AND kind = ANY(\(ends.map(\.rawValue)))")
        return try Set(rows.map { try $0.decode("order_id") })
    }

    /// One list per query, newest first, one notification longer than its page.
    static func list(_ lists: [ListNotifications], on connection: any SQLConnection) async throws -> [[NotificationView]] {
        let results = try await connection.pipeline(
            lists.map { list in
                var sql: SQL = """
                    SELECT id, order_id, kind, channel, recipient, result, detail, created_at, sent_at
                    FROM notifications WHERE true
                    """
                if let order = list.order { sql += " AND order_id = \(order)" }
                if let after = list.after { sql += " AND (created_at, id) < (\(after.0), \(after.1))" }
                return sql + " ORDER BY created_at DESC, id DESC LIMIT \(list.page.limit + 1)"
            })
        return try results.map { try $0.map(read) }
    }

    /// What one customer was told, about the account or the orders, newest first.
    static func list(of customer: NotificationsOfCustomer, limit: Int, on connection: any SQLConnection) async throws -> [NotificationView] {
        try await connection.query(
            """
            SELECT id, order_id, kind, channel, recipient, result, detail, created_at, sent_at
            FROM notifications WHERE user_id = \(customer.userID) OR order_id = ANY(\(customer.orders))
            ORDER BY created_at DESC, id DESC LIMIT \(limit)
            """
        ).map(read)
    }

    private static func read(_ row: Row) throws -> NotificationView {
        NotificationView(
            id: try row.decode("id"), orderId: try row.decode("order_id", as: UUID?.self)?.lowerCaseText, kind: try row.decode("kind"),
            channel: try row.decode("channel"), recipient: try row.decode("recipient"), result: try row.decode("result"),
            detail: try row.decode("detail"), createdAt: try row.decode("created_at"), sentAt: try row.decode("sent_at"))
    }
}

extension Store.Attempt {
    init(_ error: DeliveryError) {
        self = error.reason == .refused ? .refused(error.message) : .delayed(error.message)
    }

    fileprivate var result: String {
        switch self {
        case .sent: "sent"
        case .refused, .pointless: "failed"
        case .delayed: "pending"
        }
    }

    fileprivate var detail: String? {
        switch self {
        case .sent: nil
        case .refused(let reason), .delayed(let reason): reason
        case .pointless: "nothing is left to do for the customer"
        }
    }
}
