import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Secrets

struct ResendNotification: Sendable {
    let id: UUID
    /// The administrator.
    let actor: String

    static func read(_ request: Request) throws -> ResendNotification {
        try Fields.read(request) { fields in
            ResendNotification(id: try fields.uuidParameter("id", of: "notification"), actor: request.auditName)
        }
    }
}

/// `notifications.resends.send`: the notification with this id, which repeats another one, is to be sent.
struct ResendRequest: Sendable, Codable {
    let notificationID: UUID
    /// The order's addressee, from the answer to the first message; nil in the first message. A notification that the addressee has turned off is not sent.
    var addressee: Addressee?
}

/// A notification that repeats another one.
struct Repetition: Sendable {
    let id: UUID
    let order: UUID?
    let kind, channel, recipient: String
    let requestedAt: Date
    let actor: String?
    /// The first notification with this news.
    let original: UUID?

    init(_ view: NotificationView) {
        (id, kind, channel, recipient) = (view.id, view.kind, view.channel, view.recipient)
        order = view.orderId.flatMap(UUID.init(text:))
        original = view.repeats.flatMap(UUID.init(text:))
        (requestedAt, actor) = (view.createdAt, view.requestedBy)
    }
}

enum ResendStore {
    static func add(_ repetitions: [Repetition], on transaction: any SQLConnection) async throws {
        guard !repetitions.isEmpty else { return }
        try await transaction.enqueue(
            """
            INSERT INTO notifications (id, order_id, kind, channel, recipient, created_at, repeats, requested_by)
            SELECT * FROM unnest(
                \(repetitions.map(\.id)), \(repetitions.map(\.order)), \(repetitions.map(\.kind)), \(repetitions.map(\.channel)),
                \(repetitions.map(\.recipient)), \(repetitions.map(\.requestedAt)), \(repetitions.map(\.original)), \(repetitions.map(\.actor))
            ) AS new (id, order_id, kind, channel, recipient, created_at, repeats, requested_by)
            ORDER BY id
            ON CONFLICT (id) DO NOTHING
            """)
    }

    /// Records the addresses they were sent to: the order's address may have changed since the first one. An erased address stays erased.
    static func address(_ recipients: [UUID: String], on transaction: any SQLConnection) async throws {
        guard !recipients.isEmpty else { return }
        let sorted = recipients.sorted { $0.key < $1.key }
        try await transaction.enqueue(
            """
            UPDATE notifications SET recipient = new.recipient
            FROM unnest(\(sorted.map(\.key)), \(sorted.map(\.value))) AS new (of, recipient)
            WHERE id = new.of AND notifications.recipient NOT IN (new.recipient, \(Erased.email))
            """)
    }
}
