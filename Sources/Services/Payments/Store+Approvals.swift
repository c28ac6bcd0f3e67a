import FoundationEssentials
import PostgreSQL

extension Store {
    struct Waiting: Sendable {
        let order: UUID
        /// The number of times that the gateway was asked about it, including this one.
        let look: Int
    }

    /// Payments that wait for their customer's approval, untouched for `retryAfter` seconds, which doubles each time up to `longest`. Each is touched, so that
    /// other workers take the next ones.
    static func takeWaiting(
        retryAfter: Double, longest: Double, limit: Int, now: Date, on transaction: any SQLConnection
    ) async throws -> [Waiting] {
        try await transaction.query(
            """
            UPDATE attempts SET updated_at = \(now), approval_looks = approval_looks + 1
            WHERE order_id IN (
                SELECT order_id FROM attempts
                WHERE to_approve_since < \(now.addingTimeInterval(-retryAfter))
                  AND to_approve_since < \(now) - make_interval(secs => least(\(retryAfter) * 2 ^ least(approval_looks, 30), \(longest)))
                ORDER BY to_approve_since LIMIT \(limit) FOR UPDATE SKIP LOCKED)
            RETURNING order_id, approval_looks
            """
        ).map { Waiting(order: try $0.decode("order_id"), look: try $0.decode("approval_looks")) }
    }
}
