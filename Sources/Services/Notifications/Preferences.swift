import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL

/// The channels that customers want, as reported by the users service.
enum Preferences {
    static func set(_ items: [IncomingMessage<SetPreferences>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let newest = Dictionary(items.map { ($0.input.userID, $0.input) }) { $0.revision > $1.revision ? $0 : $1 }.values.sorted { $0.userID < $1.userID }
        try await transaction.enqueue(
            """
            INSERT INTO preferences (user_id, email, sms, revision)
            SELECT * FROM unnest(
                \(newest.map(\.userID)), \(newest.map(\.preferences.email)), \(newest.map(\.preferences.sms)), \(newest.map(\.revision)))
            ON CONFLICT (user_id) DO UPDATE SET email = EXCLUDED.email, sms = EXCLUDED.sms, revision = EXCLUDED.revision
            WHERE preferences.revision < EXCLUDED.revision
            """)
        return items.map { _ in .done() }
    }

    /// Resets the preferences of erased customers to the defaults, at the highest possible revision. Without that row, a change that arrives after the erasure would be
    /// stored, and never erased.
    static func forget(_ customers: [UUID], on transaction: any SQLConnection) async throws {
        try await transaction.enqueue(
            """
            INSERT INTO preferences (user_id, email, sms, revision) SELECT id, true, true, \(lastRevision) FROM unnest(\(Set(customers).sorted())) AS id
            ON CONFLICT (user_id) DO UPDATE SET email = EXCLUDED.email, sms = EXCLUDED.sms, revision = EXCLUDED.revision
            """)
    }

    /// The highest that the column can hold, so no later change replaces the row.
    private static let lastRevision = Int32.max

    /// The preferences of those customers who have any.
    static func read(_ customers: [UUID], on connection: any SQLConnection) async throws -> [UUID: ChannelPreferences] {
        if customers.isEmpty { return [:] }
        let rows = try await connection.query("SELECT user_id, email, sms FROM preferences WHERE user_id = ANY(\(customers))")
        return try Dictionary(
            rows.map { (try $0.decode("user_id"), ChannelPreferences(email: try $0.decode("email"), sms: try $0.decode("sms"))) }, uniquingKeysWith: { first, _ in first })
    }
}

extension ChannelPreferences {
    /// Whether customers can turn off this news on this channel.
    static func concern(_ kind: NotificationKind, by channel: String) -> Bool {
        switch channel {
        case "email": !kind.isMandatory
        case "sms": true
        default: false
        }
    }

    func allow(_ kind: NotificationKind, by channel: String) -> Bool {
        guard Self.concern(kind, by: channel) else { return true }
        return channel == "sms" ? sms : email
    }
}

extension NotificationKind {
    /// Whether the news is about money or the contract, and is always sent by mail.
    var isMandatory: Bool {
        switch self {
        case .orderConfirmed, .orderRejected, .actionRequired, .orderCancelled, .orderRefunded, .returnApproved, .returnRefused: true
        case .orderShipped, .orderDelivered, .returnRequested: false
        }
    }
}
