import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime

/// `notifications.webhooks.twilio` and `.sendgrid`: records what became of messages, and which addresses cannot be reached.
struct Receipts: Sendable {
    let clock: any WallClock

    /// In the order in which they are received: the later of two choices about a number applies.
    func receive(_ items: [IncomingMessage<TwilioCallback>], on transaction: any SQLConnection) async throws -> [Outcome] {
        var reports: [DeliveryReport] = []
        var choices: [String: Bool] = [:]
        for item in items {
            switch item.input {
            case .report(let report): reports.append(report)
            case .choice(let number, let wantsMessages): choices[number] = wantsMessages
            case .other: break
            }
        }
        try await record(reports, on: transaction)
        let (stopped, started) = (choices.filter { !$0.value }.keys.sorted(), choices.filter(\.value).keys.sorted())
        try await ReceiptStore.optOut(stopped, of: SMSChannel.channel, now: clock.now(), on: transaction)
        try await ReceiptStore.optIn(started, to: SMSChannel.channel, on: transaction)
        return items.map { _ in .done() }
    }

    func record(_ items: [IncomingMessage<[DeliveryReport]>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await record(items.flatMap(\.input), on: transaction)
        return items.map { _ in .done() }
    }

    private func record(_ found: [DeliveryReport], on transaction: any SQLConnection) async throws {
        // A message that was reported as delivered stays so, whatever else is reported about it.
        let reports = Dictionary(found.map { ($0.notification, $0) }) { first, second in second.delivery == .delivered ? second : first }
        try await ReceiptStore.record(reports.values.sorted { $0.notification < $1.notification }, now: clock.now(), on: transaction)
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
        /// The number's owner has opted out; only the owner can change that.
        case optedOut

        /// The causes that a delivery disproves.
        static let disprovable: [Cause] = [.refused, .undelivered]
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
        try await forget(states.filter { $0.delivery == Delivery.delivered.rawValue }.map(\.id), Cause.disprovable, on: transaction)
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
            WHERE unreachable.cause <> \(Cause.optedOut.rawValue)
            """)
    }

    /// - Parameter recipients: sorted, each once.
    static func optOut(_ recipients: [String], of channel: String, now: Date, on transaction: any SQLConnection) async throws {
        if recipients.isEmpty { return }
        try await transaction.enqueue(
            """
            INSERT INTO unreachable (channel, recipient, cause, detail, since)
            SELECT \(channel), recipient, \(Cause.optedOut.rawValue), 'the owner has replied STOP', \(now) FROM unnest(\(recipients)) AS recipient
            ON CONFLICT (channel, recipient) DO UPDATE SET cause = EXCLUDED.cause, detail = EXCLUDED.detail, since = EXCLUDED.since
            WHERE unreachable.cause <> EXCLUDED.cause
            """)
    }

    static func optIn(_ recipients: [String], to channel: String, on transaction: any SQLConnection) async throws {
        if recipients.isEmpty { return }
        try await transaction.enqueue(
            "DELETE FROM unreachable WHERE channel = \(channel) AND recipient = ANY(\(recipients)) AND cause = \(Cause.optedOut.rawValue)")
    }

    /// Those of the recipients who want no messages by the channel.
    static func optedOut(_ recipients: [String], of channel: String, on connection: any SQLConnection) async throws -> Set<String> {
        if recipients.isEmpty { return [] }
        let rows = try await connection.query(
            "SELECT recipient FROM unreachable WHERE channel = \(channel) AND recipient = ANY(\(recipients)) AND cause = \(Cause.optedOut.rawValue)")
        return try Set(rows.map { try $0.decode("recipient") })
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
