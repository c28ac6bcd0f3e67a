import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL

/// Our customers at the gateways, and their saved methods. Attempts are locked before customers, and customers in the order of their ids.
enum MethodStore {
    /// The maximum number of methods per customer: more than a customer needs, and few enough for one page of an export. A further one replaces the least
    /// recently used one.
    static let maximum = 50

    /// Names the gateway's customer in each attempt whose method is to be saved, if the gateway has one. The method of a customer who has left is not saved. Only attempts
    /// without a customer are changed: their gateway has not been called yet.
    static func nameCustomers(of orders: [UUID], in attempts: inout LockedAttempts, on transaction: any SQLConnection) async throws {
        let waiting = Set(orders).sorted().compactMap { attempts[$0] }.filter { $0.state == .begun && $0.charge.customer == nil && $0.charge.saveFor != nil }
        guard !waiting.isEmpty else { return }
        let rows = try await transaction.query(
            """
            SELECT user_id, gateway, gateway_id, erased_at IS NOT NULL AS is_closed
            FROM customers WHERE user_id = ANY(\(waiting.compactMap(\.charge.saveFor)))
            """)
        for var attempt in waiting {
            let row = try rows.first { row in
                try row.decode("user_id") == attempt.charge.saveFor && row.decode("gateway") == attempt.charge.gateway.rawValue
            }
            guard let row else { continue }
            if try row.decode("is_closed") { attempt.charge.saveFor = nil } else { attempt.charge.customer = try row.decode("gateway_id") }
            attempts.put(attempt)
        }
    }

    /// Records the gateway's new customers, of whom each user keeps the first. Returns the users who have left meanwhile: what was created for them must be deleted.
    static func add(_ customers: [GatewayCustomer], on transaction: any SQLConnection) async throws -> Set<UUID> {
        guard !customers.isEmpty else { return [] }
        let rows = try await transaction.query(
            """
            INSERT INTO customers (user_id, gateway, gateway_id)
            SELECT DISTINCT ON (user_id, gateway) user_id, gateway, id
            FROM unnest(\(customers.map(\.user)), \(customers.map(\.gateway.rawValue)), \(customers.map(\.id))) AS new (user_id, gateway, id)
            ORDER BY user_id, gateway, id
            ON CONFLICT (user_id, gateway) DO UPDATE SET gateway_id = coalesce(customers.gateway_id, excluded.gateway_id)
            RETURNING user_id, erased_at IS NOT NULL AS is_erased
            """)
        return try Set(rows.filter { try $0.decode("is_erased") }.map { try $0.decode("user_id", as: UUID.self) })
    }

    /// Records saved methods, except those of customers who have left: deleting the gateway's customer deletes theirs. Methods beyond the maximum are no longer
    /// listed, and wait to be detached.
    static func add(_ methods: [SavedMethod], now: Date, on transaction: any SQLConnection) async throws {
        guard !methods.isEmpty else { return }
        try await transaction.enqueue(
            """
            WITH present AS (
                SELECT user_id, gateway, gateway_id FROM customers WHERE user_id = ANY(\(methods.map(\.user))) AND erased_at IS NULL ORDER BY user_id FOR NO KEY UPDATE
            )
            INSERT INTO payment_methods (id, user_id, gateway, gateway_id, brand, last4, expiry_month, expiry_year, created_at)
            SELECT new.id, new.user_id, new.gateway, method, brand, last4, month, year, \(now)
            FROM unnest(
                \(methods.map(\.id)), \(methods.map(\.user)), \(methods.map(\.gateway.rawValue)), \(methods.map(\.method.id)), \(methods.map(\.method.customer)),
                \(methods.map(\.method.brand)), \(methods.map(\.method.last4)), \(methods.map(\.method.expiryMonth)), \(methods.map(\.method.expiryYear))
            ) AS new (id, user_id, gateway, method, customer, brand, last4, month, year)
            JOIN present ON present.user_id = new.user_id AND present.gateway = new.gateway AND present.gateway_id = new.customer
            ORDER BY new.id
            ON CONFLICT DO NOTHING
            """)
        try await replaceOldest(of: methods.map(\.user), now: now, on: transaction)
    }

    /// One list per query, newest first, one method longer than its page.
    static func lists(_ lists: [ListMethods], on connection: any SQLConnection) async throws -> [[SavedMethodView]] {
        try await connection.pipeline(
            lists.map { list in
                let start: SQL = list.after.map { "AND (created_at, id) < (\($0.0), \($0.1))" } ?? ""
                return columns + "WHERE user_id = \(list.userID) AND detach_at IS NULL \(start) ORDER BY created_at DESC, id DESC LIMIT \(list.page.limit + 1)"
            }
        ).map { try $0.map(view) }
    }

    /// The methods that their customers may use, with the gateway's ids.
    static func find(_ references: [SavedMethodQuery.Reference], on connection: any SQLConnection) async throws -> [SavedMethodList.Entry] {
        let rows = try await connection.query(
            """
            SELECT payment_methods.id, user_id, gateway, payment_methods.gateway_id AS method, customers.gateway_id AS customer
            FROM payment_methods
            JOIN unnest(\(references.map(\.id)), \(references.map(\.userID))) AS wanted (id, of_user) ON payment_methods.id = wanted.id AND user_id = of_user
            JOIN customers USING (user_id, gateway)
            WHERE erased_at IS NULL AND customers.gateway_id IS NOT NULL AND detach_at IS NULL
            """)
        return try rows.map { row in
            SavedMethodList.Entry(
                reference: .init(id: try row.decode("id"), userID: try row.decode("user_id")), gateway: try gateway(row), customer: try row.decode("customer"),
                method: try row.decode("method"))
        }
    }

    /// Returns what is to be detached at the gateway; nil where the customer has no such method.
    static func delete(_ method: OwnMethod, on transaction: any SQLConnection) async throws -> DetachMethod? {
        let rows = try await transaction.query(
            "DELETE FROM payment_methods WHERE id = \(method.id) AND user_id = \(method.userID) AND detach_at IS NULL RETURNING gateway, gateway_id")
        return try rows.first.map { DetachMethod(gateway: try gateway($0), method: try $0.decode("gateway_id")) }
    }

    /// Stops saving methods for these customers. Returns the gateways' customers that still have to be deleted.
    static func erase(_ users: [UUID], at gateways: [GatewayName], now: Date, on transaction: any SQLConnection) async throws -> [GatewayCustomer] {
        let users = Set(users).sorted()
        let rows = try await transaction.query(
            """
            INSERT INTO customers (user_id, gateway, erased_at)
            SELECT user_id, gateway, \(now) FROM unnest(\(users)) AS user_id, unnest(\(gateways.map(\.rawValue))) AS gateway ORDER BY user_id, gateway
            ON CONFLICT (user_id, gateway) DO UPDATE SET erased_at = coalesce(customers.erased_at, excluded.erased_at)
            RETURNING user_id, gateway, gateway_id
            """)
        try await transaction.enqueue("DELETE FROM payment_methods WHERE user_id = ANY(\(users))")
        return try rows.compactMap { row in
            guard let id: String = try row.decode("gateway_id") else { return nil }
            return GatewayCustomer(user: try row.decode("user_id"), gateway: try gateway(row), id: id)
        }
    }

    /// Drops the ids of customers that their gateways have deleted.
    static func forget(_ customers: [GatewayCustomer], on transaction: any SQLConnection) async throws {
        guard !customers.isEmpty else { return }
        let customers = customers.sorted { ($0.user, $0.gateway.rawValue) < ($1.user, $1.gateway.rawValue) }
        try await transaction.enqueue(
            """
            UPDATE customers SET gateway_id = NULL
            FROM unnest(\(customers.map(\.user)), \(customers.map(\.id))) AS gone (user_id, id)
            WHERE customers.user_id = gone.user_id AND customers.gateway_id = gone.id
            """)
    }

    private static let columns: SQL = "SELECT id, gateway, brand, last4, expiry_month, expiry_year, created_at FROM payment_methods "

    private static func view(_ row: Row) throws -> SavedMethodView {
        SavedMethodView(
            id: try row.decode("id"), gateway: try gateway(row), brand: try row.decode("brand"), last4: try row.decode("last4"),
            expiryMonth: try row.decode("expiry_month"), expiryYear: try row.decode("expiry_year"), createdAt: try row.decode("created_at"))
    }

    static func gateway(_ row: Row) throws -> GatewayName {
        let name: String = try row.decode("gateway")
        guard let known = GatewayName(rawValue: name) else {
            throw Failure("unknown-gateway", "the gateway '\(name)' is unknown to this version of Wharf", remedy: .retry)
        }
        return known
    }
}
