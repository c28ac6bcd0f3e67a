import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Secrets

extension Store {
    /// A step of a payment that is requested again until it is done, because its message or the gateway's event may be lost.
    enum Unfinished: String {
        case void, capture, approval

        /// How many payments one look takes.
        private static let atOnce = 100

        /// Seconds to wait for the message or the event before the step is requested again; doubled each time, up to the longest.
        var pauses: (first: Double, longest: Double) {
            switch self {
            case .void, .capture: (120, 3600)
            // The customer is waiting.
            case .approval: (10, 60)
            }
        }

        private var operation: String {
            switch self {
            case .void: MessageName.void
            case .capture: MessageName.capture
            case .approval: MessageName.completeApproval
            }
        }

        /// The column with the time since when it is due, and the one that counts the requests.
        private var columns: (since: SQL, count: SQL) {
            switch self {
            case .void: ("to_void_since", "void_drives")
            case .capture: ("to_capture_since", "capture_drives")
            case .approval: ("to_approve_since", "approval_looks")
            }
        }

        /// Requests the step for each payment that has waited long enough, and marks the payment, so that another look takes others.
        /// - Parameter body: The request for an order.
        func requests<Body: Encodable & Sendable>(at now: Date, on transaction: any SQLConnection, _ body: (UUID) -> Body) async throws -> [OutgoingMessage] {
            let (since, count) = columns
            let (first, longest) = pauses
            return try await transaction.query(
                """
                UPDATE attempts SET updated_at = \(now), \(count) = \(count) + 1
                WHERE order_id IN (
                    SELECT order_id FROM attempts
                    WHERE \(since) < \(now.addingTimeInterval(-first))
                      AND \(since) < \(now) - make_interval(secs => least(\(first) * 2 ^ least(\(count), 30), \(longest)))
                    ORDER BY \(since) LIMIT \(Self.atOnce) FOR UPDATE SKIP LOCKED)
                RETURNING order_id, \(count) AS retry
                """
            ).map { row in
                let order: UUID = try row.decode("order_id")
                let retry: Int = try row.decode("retry")
                return try OutgoingMessage(.request(operation), body(order), origin: UUID.v5(namespace: order, name: "\(rawValue) \(retry)"))
            }
        }
    }
}
