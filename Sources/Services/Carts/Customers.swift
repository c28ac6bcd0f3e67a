import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL

/// What carts hold about a customer: the carts that are open. Those that were ordered hold goods, and the id of an account that is gone.
struct Customers: Sendable {
    func export(_ items: [IncomingMessage<Customer>], on connection: any SQLConnection) async throws -> [Outcome] {
        let open = try await Store.open(of: items.map(\.input.userID), on: connection)
        let carts = try await Store.find(open.values.flatMap(\.self), on: connection)
        return try items.map { item in
            .done(try Reply(json: (open[item.input.userID] ?? []).compactMap { carts[$0]?.view(nil) }))
        }
    }

    func erase(_ items: [IncomingMessage<Customer>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let customers = items.map(\.input.userID)
        // The same locks, in the same order, as for those who put something into them.
        try await Store.lock(customers: customers, now: Date(timeIntervalSince1970: 0), on: transaction)
        let open = try await Store.open(of: customers, on: transaction)
        let carts = try await Store.lock(open.values.flatMap(\.self), on: transaction).values.filter { $0.orderID == nil }
        if !carts.isEmpty { try await Store.delete(carts.map(\.id), on: transaction) }
        return try items.map { item in
            .done(emit: [try OutgoingMessage(.request(MessageName.customerErased), CustomerErased(userID: item.input.userID, service: CartsService.name))])
        }
    }
}

extension Store {
    /// The carts of these customers that are not ordered.
    fileprivate static func open(of customers: [UUID], on connection: any SQLConnection) async throws -> [UUID: [UUID]] {
        let rows = try await connection.query(
            "SELECT customer_id, id FROM carts WHERE customer_id = ANY(\(customers)) AND order_id IS NULL ORDER BY id")
        return try Dictionary(grouping: rows.map { (try $0.decode("customer_id", as: UUID.self), try $0.decode("id", as: UUID.self)) }, by: \.0)
            .mapValues { $0.map(\.1) }
    }
}
