import Contracts
import FoundationEssentials
import JSON
import Messaging
import PostgreSQL

/// The dead letters, as far as they account for what is missing elsewhere. Some 60 bytes each.
struct DeadLetterIndex: Sendable {
    /// As many as the broker's queue of dead letters holds.
    static let maximum = 1_000_000
    static let pageSize = 1_000

    enum Letter: Sendable, Equatable {
        /// Open, or discarded by an operator.
        case waits
        /// From then on it counts as sent again.
        case replayed(Date)
    }

    /// By message id.
    private(set) var letters: [UUID: Letter] = [:]
    /// Orders whose end could not be announced to the customer.
    private(set) var ordersNotNotified: Set<UUID> = []
    /// Orders with a parcel, a return or a refund that could not be announced.
    private(set) var ordersNotNotifiedOfStep: Set<UUID> = []
    /// Orders for whose payment an open letter asks an operator.
    private(set) var openPayments: Set<UUID> = []

    private static let news = [MessageName.orderConfirmed, MessageName.orderRejected, MessageName.orderCancelled]

    private static let steps = [
        MessageName.orderShipped, MessageName.orderDelivered, MessageName.orderRefunded, MessageName.orderReturnRequested, MessageName.orderReturnApproved,
        MessageName.orderReturnRefused,
    ]

    private static let named = news + steps + [MessageName.unresolved]

    private struct Named: Decodable { let orderID: UUID }

    /// - Throws: ``AuditError`` when there are more than ``maximum``.
    init(on connection: any SQLConnection) async throws {
        var after = AuditRange.first
        while true {
            let rows = try await connection.query(
                """
                SELECT id, message_id, state, settled_at, operation, CASE WHEN operation = ANY(\(Self.named)) THEN body END AS named
                FROM letters WHERE id > \(after) ORDER BY id LIMIT \(Self.pageSize)
                """)
            for row in rows {
                after = try row.decode("id")
                try add(row)
            }
            guard letters.count <= Self.maximum else { throw AuditError.tooMany("more than \(Self.maximum) dead letters; settle some of them first") }
            guard rows.count == Self.pageSize else { return }
        }
    }

    private mutating func add(_ row: Row) throws {
        let state: String = try row.decode("state")
        let settledAt: Date? = try row.decode("settled_at")
        let isReplayed = state == "replayed" || state == "handled"
        if let text: String = try row.decode("message_id"), let id = UUID(uuidString: text) {
            // Of several letters of one message, one that waits accounts for it; else the last replay counts.
            switch letters[id] {
            case .waits: break
            case _ where !isReplayed: letters[id] = .waits
            case .replayed(let before): letters[id] = .replayed(max(before, settledAt ?? before))
            case nil: letters[id] = .replayed(settledAt ?? .distantPast)
            }
        }
        guard !isReplayed, let body: [UInt8] = try row.decode("named"), let named = try? Self.order(namedIn: body) else { return }
        let operation = try row.decode("operation", as: String?.self) ?? ""
        if Self.steps.contains(operation) {
            ordersNotNotifiedOfStep.insert(named)
        } else if operation != MessageName.unresolved {
            ordersNotNotified.insert(named)
        } else if state == "open" {
            openPayments.insert(named)
        }
    }

    /// The order that a message is about, whatever else it holds.
    private static func order(namedIn body: [UInt8]) throws -> UUID {
        try JSON.decode(Named.self, from: body).orderID
    }
}
