import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime

/// What orders hold about a customer: who they go to. Orders themselves stay.
///
/// An order under way needs its address, and the law may want to know for years whom an order went to. So a customer who is to be erased is noted, and erased from
/// each order once it has settled and is old enough.
struct Customers: Sendable {
    /// Orders in one transaction, and in one export.
    static let atOnce = 500
    /// Until a customer is looked at again whose orders could not all be erased.
    static let pause: TimeInterval = 60
    /// Customers that one look finds.
    static let found = 50
    static let interval: Duration = .seconds(30)

    let clock: any WallClock
    /// How long an order says whom it went to, after its customer has left.
    let retention: TimeInterval

    /// The newest ones.
    func export(_ items: [IncomingMessage<Customer>], on connection: any SQLConnection) async throws -> [Outcome] {
        var outcomes: [Outcome] = []
        for item in items {
            let rows = try await Store.list(OrderFilter(customer: item.input.userID), after: nil, limit: Self.atOnce, on: connection)
            outcomes.append(.done(try Reply(json: try rows.map { try $0.view })))
        }
        return outcomes
    }

    /// Answers at once: from then on the customer is noted here.
    func erase(_ items: [IncomingMessage<Customer>], on transaction: any SQLConnection) async throws -> [Outcome] {
        var outcomes: [Outcome] = []
        for item in items {
            let answer = CustomerErased(userID: item.input.userID, service: OrdersService.name)
            outcomes.append(.done(emit: try await erase(item.input.userID, on: transaction) + [try OutgoingMessage(.request(MessageName.customerErased), answer)]))
        }
        return outcomes
    }

    private func erase(_ customer: UUID, on transaction: any SQLConnection) async throws -> [OutgoingMessage] {
        let now = clock.now()
        let orders = try await Store.erase(
            customer, placedBefore: now.addingTimeInterval(-retention), limit: Self.atOnce, again: now.addingTimeInterval(Self.pause), on: transaction)
        return orders.isEmpty ? [] : [try OutgoingMessage(.request(MessageName.eraseOrdersInNotifications), ErasedOrders(orders: orders))]
    }

    func findDue(on transaction: any SQLConnection) async throws -> [OutgoingMessage] {
        let now = clock.now()
        let due = try await transaction.query(
            "SELECT customer_id FROM erasures WHERE due_at < \(now) ORDER BY due_at LIMIT \(Self.found) FOR UPDATE SKIP LOCKED")
        var messages: [OutgoingMessage] = []
        for row in due { messages += try await erase(try row.decode("customer_id"), on: transaction) }
        return messages
    }
}

extension Store {
    private static let settled = [Checkout.Phase.confirmed.rawValue, Checkout.Phase.rejected.rawValue, Checkout.Phase.cancelled.rawValue]

    /// Erases the customer from settled orders, at most `limit` of them, and tells from which. The customer stays noted while others are left.
    fileprivate static func erase(
        _ customer: UUID, placedBefore: Date, limit: Int, again: Date, on transaction: any SQLConnection
    ) async throws -> [UUID] {
        let results = try await transaction.pipeline([
            """
            INSERT INTO erasures (customer_id, due_at) VALUES (\(customer), \(again))
            ON CONFLICT (customer_id) DO UPDATE SET due_at = excluded.due_at
            """,
            """
            UPDATE orders
            SET email = \(Erased.email), shipping_address = jsonb_build_object(
                'name', \(Erased.text), 'line1', \(Erased.text), 'city', \(Erased.text), 'country', shipping_address -> 'country')
            WHERE id IN (
                SELECT id FROM orders JOIN checkouts ON order_id = id
                WHERE customer_id = \(customer) AND email <> \(Erased.email) AND phase = ANY(\(settled)) AND placed_at <= \(placedBefore)
                ORDER BY id LIMIT \(limit))
            RETURNING id
            """,
            "SELECT count(*) AS count FROM orders WHERE customer_id = \(customer) AND email <> \(Erased.email)",
        ])
        let left: Int = try results.last?.first?.decode("count") ?? 0
        if left == 0 { try await transaction.enqueue("DELETE FROM erasures WHERE customer_id = \(customer)") }
        return try results.dropFirst().first?.map { try $0.decode("id") } ?? []
    }
}
