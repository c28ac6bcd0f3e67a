import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime

/// The replacement of methods: when a customer with ``MethodStore/maximum`` methods saves another, the least recently used one is removed.
extension MethodStore {
    /// Seconds after which detaching a replaced method is requested again if the gateway has not confirmed it: the message was lost, or is a dead letter.
    private static let detachPause = 86_400.0
    /// The maximum number of replaced methods that one poll detaches.
    private static let detachedAtOnce = 100

    /// Records that these charges use their saved methods.
    static func noteUse(_ charges: [Charge], now: Date, on transaction: any SQLConnection) async throws {
        let methods = Set(charges.filter { $0.customer != nil && $0.saveFor == nil }.map(\.paymentMethod)).sorted()
        guard !methods.isEmpty else { return }
        try await transaction.enqueue(
            """
            WITH used AS (SELECT id FROM payment_methods WHERE gateway_id = ANY(\(methods)) ORDER BY id FOR UPDATE)
            UPDATE payment_methods SET used_at = \(now) FROM used WHERE payment_methods.id = used.id
            """)
    }

    /// Marks methods beyond the maximum: they are no longer listed, and wait to be detached. It runs after the customers' rows were locked, so it sees the methods that other
    /// transactions have saved.
    static func replaceOldest(of customers: [UUID], now: Date, on transaction: any SQLConnection) async throws {
        try await transaction.enqueue(
            """
            WITH ranked AS (
                SELECT id, row_number() OVER (PARTITION BY user_id ORDER BY coalesce(used_at, created_at) DESC, id DESC) AS place
                FROM payment_methods WHERE user_id = ANY(\(customers)) AND detach_at IS NULL
            )
            UPDATE payment_methods SET detach_at = \(now) FROM ranked WHERE payment_methods.id = ranked.id AND place > \(maximum)
            """)
    }

    /// Requests that the gateways detach replaced methods.
    static func findReplaced(_ clock: any WallClock) -> @Sendable (any SQLConnection) async throws -> [OutgoingMessage] {
        { transaction in
            let now = clock.now()
            return try await transaction.query(
                """
                UPDATE payment_methods SET detach_at = \(now.addingTimeInterval(detachPause))
                WHERE id IN (SELECT id FROM payment_methods WHERE detach_at <= \(now) ORDER BY detach_at LIMIT \(detachedAtOnce) FOR UPDATE SKIP LOCKED)
                RETURNING gateway, gateway_id
                """
            ).map { row in
                let method = DetachMethod(gateway: try gateway(row), method: try row.decode("gateway_id"))
                return try OutgoingMessage(.request(MessageName.detachPaymentMethod), method)
            }
        }
    }

    /// Deletes replaced methods that their gateways have detached.
    static func dropDetached(_ methods: [DetachMethod], on transaction: any SQLConnection) async throws {
        guard !methods.isEmpty else { return }
        try await transaction.enqueue(
            """
            DELETE FROM payment_methods
            WHERE id IN (
                SELECT id FROM payment_methods
                JOIN unnest(\(methods.map(\.gateway.rawValue)), \(methods.map(\.method))) AS gone (at, method) ON gateway = at AND gateway_id = method
                WHERE detach_at IS NOT NULL ORDER BY id FOR UPDATE OF payment_methods)
            """)
    }
}
