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
        /// It was not attempted, for the given reason: it no longer applies, or is not wanted. This does not affect the address.
        case pointless(String)
        /// For now, and why.
        case delayed(String)
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
        try await ReceiptStore.remember(sorted.filter { $0.value.isRefused }.map(\.key), .refused, now: now, on: transaction)
        try await ReceiptStore.forget(sorted.filter { $0.value.isSent }.map(\.key), [.refused], on: transaction)
    }

    /// Deletes notifications that should no longer be sent; those that were sent stay.
    static func drop(_ ids: [UUID], on transaction: any SQLConnection) async throws {
        if ids.isEmpty { return }
        try await transaction.enqueue("DELETE FROM waiting WHERE id = ANY(\(ids))")
        try await transaction.enqueue("DELETE FROM notifications WHERE id = ANY(\(ids)) AND result <> 'sent'")
    }

    /// The orders among these whose end was announced, or is about to be.
    static func ended(_ orders: [UUID], on connection: any SQLConnection) async throws -> Set<UUID> {
        let ends: [NotificationKind] = [.orderConfirmed, .orderRejected, .orderCancelled]
        let rows = try await connection.query(
            "SELECT DISTINCT order_id FROM notifications WHERE order_id = ANY(\(orders)) AND kind = ANY(\(ends.map(\.rawValue)))")
        return try Set(rows.map { try $0.decode("order_id") })
    }

    private static let columns: SQL = """
        SELECT notifications.id, order_id, kind, channel, recipient, result, notifications.detail, created_at, sent_at, delivery, delivery_detail, delivery_at, repeats, requested_by,
               unreachable.cause, unreachable.detail AS flaw, unreachable.since
        FROM notifications LEFT JOIN unreachable USING (channel, recipient)

        """

    /// One list per query, newest first, one notification longer than its page.
    static func list(_ lists: [ListNotifications], on connection: any SQLConnection) async throws -> [[NotificationView]] {
        let results = try await connection.pipeline(
            lists.map { list in
                var sql = columns + "WHERE true"
                if let order = list.order { sql += " AND order_id = \(order)" }
                if let kind = list.kind { sql += " AND kind = \(kind)" }
                if let channel = list.channel { sql += " AND channel = \(channel)" }
                if let result = list.result { sql += " AND result = \(result)" }
                if let recipient = list.recipient { sql += " AND recipient = \(recipient)" }
                if let since = list.since { sql += " AND created_at >= \(since)" }
                if let until = list.until { sql += " AND created_at < \(until)" }
                if let after = list.after { sql += " AND (created_at, notifications.id) < (\(after.0), \(after.1))" }
                return sql + " ORDER BY created_at DESC, notifications.id DESC LIMIT \(list.page.limit + 1)"
            })
        return try results.map { try $0.map(read) }
    }

    /// What one customer was told, about the account or the orders, newest first.
    static func list(of customer: NotificationsOfCustomer, limit: Int, on connection: any SQLConnection) async throws -> [NotificationView] {
        try await connection.query(
            columns + """
                WHERE user_id = \(customer.userID) OR order_id = ANY(\(customer.orders))
                ORDER BY created_at DESC, notifications.id DESC LIMIT \(limit)
                """
        ).map(read)
    }

    static func find(_ ids: [UUID], on connection: any SQLConnection) async throws -> [UUID: NotificationView] {
        let rows = try await connection.query(columns + "WHERE notifications.id = ANY(\(ids))")
        return try Dictionary(rows.map { try read($0) }.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    private static func read(_ row: Row) throws -> NotificationView {
        var view = NotificationView(
            id: try row.decode("id"), orderId: try row.decode("order_id", as: UUID?.self)?.lowerCaseText, kind: try row.decode("kind"),
            channel: try row.decode("channel"), recipient: try row.decode("recipient"), result: try row.decode("result"),
            detail: try row.decode("detail"), createdAt: try row.decode("created_at"), sentAt: try row.decode("sent_at"))
        view.repeats = try row.decode("repeats", as: UUID?.self)?.lowerCaseText
        view.requestedBy = try row.decode("requested_by")
        if let state: String = try row.decode("delivery") {
            view.delivery = .init(state: state, detail: try row.decode("delivery_detail"), at: try row.decode("delivery_at"))
        }
        if let cause: String = try row.decode("cause") {
            view.unreachable = .init(cause: cause, detail: try row.decode("flaw"), since: try row.decode("since"))
        }
        return view
    }
}

extension Store.Attempt {
    init(_ error: DeliveryError) {
        self = error.reason == .refused ? .refused(error.message) : .delayed(error.message)
    }

    fileprivate var isSent: Bool { if case .sent = self { true } else { false } }
    fileprivate var isRefused: Bool { if case .refused = self { true } else { false } }

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
        case .refused(let reason), .pointless(let reason), .delayed(let reason): reason
        }
    }
}
