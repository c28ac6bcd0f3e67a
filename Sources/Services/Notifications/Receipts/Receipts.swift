import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime

/// `notifications.webhooks.twilio` and `.sendgrid`: records what became of messages, and which addresses cannot be reached.
struct Receipts: Sendable {
    let clock: any WallClock

    func record(_ items: [IncomingMessage<[DeliveryReport]>], on transaction: any SQLConnection) async throws -> [Outcome] {
        // A message that was reported as delivered stays so, whatever else is reported about it.
        let reports = Dictionary(items.flatMap(\.input).map { ($0.notification, $0) }) { first, second in second.delivery == .delivered ? second : first }
        try await ReceiptStore.record(reports.values.sorted { $0.notification < $1.notification }, now: clock.now(), on: transaction)
        return items.map { _ in .done() }
    }
}

/// What became of notifications that were sent, and the addresses that cannot be reached, by channel.
enum ReceiptStore {
    /// Why an address cannot be reached.
    enum Cause: String {
        /// The server refused a message for it.
        case refused
        /// A message that was accepted did not arrive.
        case undelivered
    }

    /// Skips notifications that have been erased, because the text of a bounce usually contains the address.
    static func record(_ reports: [DeliveryReport], now: Date, on transaction: any SQLConnection) async throws {
        if reports.isEmpty { return }
        let changed = try await transaction.query(
            """
            UPDATE notifications SET delivery = report.delivery, delivery_detail = report.detail, delivery_at = \(now)
            FROM unnest(\(reports.map(\.notification)), \(reports.map(\.delivery.rawValue)), \(reports.map(\.detail))) AS report (of, delivery, detail)
            WHERE id = report.of AND recipient <> \(Erased.email)
                AND (notifications.delivery IS NULL OR notifications.delivery <> \(Delivery.delivered.rawValue) AND report.delivery = \(Delivery.delivered.rawValue))
            RETURNING id, notifications.delivery
            """)
        let states = try changed.map { (id: try $0.decode("id", as: UUID.self), delivery: try $0.decode("delivery", as: String.self)) }
        try await remember(states.filter { $0.delivery != Delivery.delivered.rawValue }.map(\.id), .undelivered, now: now, on: transaction)
        try await forget(states.filter { $0.delivery == Delivery.delivered.rawValue }.map(\.id), Cause.allCases, on: transaction)
    }

    /// Records that the recipients of these notifications cannot be reached. An erased address is not recorded.
    static func remember(_ notifications: [UUID], _ cause: Cause, now: Date, on transaction: any SQLConnection) async throws {
        if notifications.isEmpty { return }
        try await transaction.enqueue(
            """
            INSERT INTO unreachable (channel, recipient, cause, detail, since)
            SELECT DISTINCT ON (channel, recipient) channel, recipient, \(cause.rawValue), coalesce(delivery_detail, detail, ''), \(now)
            FROM notifications WHERE id = ANY(\(notifications)) AND result <> \(cause == .refused ? "sent" : "") AND recipient <> \(Erased.email)
            ORDER BY channel, recipient, created_at DESC
            ON CONFLICT (channel, recipient) DO UPDATE SET cause = EXCLUDED.cause, detail = EXCLUDED.detail
            """)
    }

    /// Records that the recipients of these notifications can be reached again, if one of the causes was the only obstacle.
    static func forget(_ notifications: [UUID], _ causes: [Cause], on transaction: any SQLConnection) async throws {
        if notifications.isEmpty { return }
        try await transaction.enqueue(
            """
            DELETE FROM unreachable USING notifications
            WHERE id = ANY(\(notifications)) AND unreachable.channel = notifications.channel AND unreachable.recipient = notifications.recipient
                AND cause = ANY(\(causes.map(\.rawValue)))
            """)
    }

    /// - Parameter selected: a condition on notifications.
    static func erase(_ selected: SQL, on transaction: any SQLConnection) async throws {
        try await transaction.enqueue(
            "DELETE FROM unreachable WHERE (channel, recipient) IN (SELECT channel, recipient FROM notifications WHERE " + selected + ")")
    }
}

extension ReceiptStore.Cause: CaseIterable {}
