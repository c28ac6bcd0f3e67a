import FoundationEssentials
import PostgreSQL

extension Store {
    /// What is requested again for a payment, or looked at, until it is done.
    enum Unfinished {
        case void, capture, approval

        /// The column with the time since when it is due, and the one that counts the requests.
        fileprivate var columns: (since: SQL, count: SQL) {
            switch self {
            case .void: ("to_void_since", "void_drives")
            case .capture: ("to_capture_since", "capture_drives")
            case .approval: ("to_approve_since", "approval_looks")
            }
        }
    }

    struct Due: Sendable {
        let order: UUID
        /// How often it was requested again, including this time.
        let retry: Int
    }

    /// Payments for which it is due, untouched for `retryAfter` seconds, which doubles each time up to `longest`; each is touched, so that others take the next.
    static func takeDue(
        _ unfinished: Unfinished, retryAfter: Double, longest: Double, limit: Int, now: Date, on transaction: any SQLConnection
    ) async throws -> [Due] {
        let (since, count) = unfinished.columns
        return try await transaction.query(
            """
            UPDATE attempts SET updated_at = \(now), \(count) = \(count) + 1
            WHERE order_id IN (
                SELECT order_id FROM attempts
                WHERE \(since) < \(now.addingTimeInterval(-retryAfter))
                  AND \(since) < \(now) - make_interval(secs => least(\(retryAfter) * 2 ^ least(\(count), 30), \(longest)))
                ORDER BY \(since) LIMIT \(limit) FOR UPDATE SKIP LOCKED)
            RETURNING order_id, \(count) AS retry
            """
        ).map { Due(order: try $0.decode("order_id"), retry: try $0.decode("retry")) }
    }
}
