import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime

/// What orders hold about a customer: the recipient, and free text that people wrote. The orders themselves stay.
///
/// An order that is to be shipped needs its address, and the law may want to know for years whom an order went to. So a customer who is to be erased is recorded, and
/// erased from each order once it has ended and is old enough.
struct Customers: Sendable {
    /// Orders in one transaction, and in one export.
    static let atOnce = 500
    /// Until a customer is looked at again whose orders could not all be erased.
    static let pause: TimeInterval = 60
    /// Customers that one look finds.
    static let found = 50
    static let interval: Duration = .seconds(30)
    /// Seconds from the time when it was placed after which a confirmed order counts as ended although nothing has reported its end: a shop that does not report its shipments here must
    /// still forget its customers. Half a year, which is longer than a customer waits for goods.
    static let longestHold: TimeInterval = 180 * 86_400

    let clock: any WallClock
    /// Seconds from the time when an order was placed for which it keeps its recipient, even if its customer has left.
    let retention: TimeInterval

    /// The newest ones.
    func export(_ items: [IncomingMessage<Customer>], on connection: any SQLConnection) async throws -> [Outcome] {
        var outcomes: [Outcome] = []
        for item in items {
            let rows = try await Store.list(OrderFilter(customer: item.input.userID), after: nil, limit: Self.atOnce, on: connection)
            let notes = try await NoteStore.export(of: rows.map(\.id), on: connection)
            let views = try rows.map { row in
                var view = try row.view
                view.notes = notes[row.id]
                return view
            }
            outcomes.append(.done(try Reply(json: views)))
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
            customer, placedBefore: now.addingTimeInterval(-retention), endedIfPlacedBefore: now.addingTimeInterval(-Self.longestHold), limit: Self.atOnce,
            again: now.addingTimeInterval(Self.pause), on: transaction)
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
    private static let givenUp = [Checkout.Phase.rejected.rawValue, Checkout.Phase.cancelled.rawValue]
    private static let whole = [Fulfilment.State.shipped.rawValue, Fulfilment.State.delivered.rawValue]

    /// Erases the customer from orders that have ended, at most `limit` of them, and returns their ids. The customer stays recorded while other orders are left.
    fileprivate static func erase(
        _ customer: UUID, placedBefore: Date, endedIfPlacedBefore: Date, limit: Int, again: Date, on transaction: any SQLConnection
    ) async throws -> [UUID] {
        try await transaction.enqueue(
            """
            INSERT INTO erasures (customer_id, due_at) VALUES (\(customer), \(again))
            ON CONFLICT (customer_id) DO UPDATE SET due_at = excluded.due_at
            """)
        let rows = try await transaction.query(
            columns + """
                WHERE customer_id = \(customer) AND email <> \(Erased.email) AND placed_at <= \(placedBefore) AND (
                    phase = ANY(\(givenUp))
                    OR phase = \(Checkout.Phase.confirmed.rawValue) AND (
                        placed_at <= \(endedIfPlacedBefore)
                        OR shipping = ANY(\(whole)) AND NOT jsonb_path_exists(coalesce(fulfilment, '{}'), \(openReturns)::jsonpath)))
                ORDER BY order_id LIMIT \(limit) FOR UPDATE OF checkouts
                """
        ).map(read)
        try await erase(rows, on: transaction)
        let counts = try await transaction.query("SELECT count(*) AS count FROM orders WHERE customer_id = \(customer) AND email <> \(Erased.email)")
        let left: Int = try counts.first?.decode("count") ?? 0
        if left == 0 { try await transaction.enqueue("DELETE FROM erasures WHERE customer_id = \(customer)") }
        return rows.map(\.id)
    }

    /// Returns whose customers must still be notified of the outcome. A return whose refund has failed for good has ended.
    private static let openReturns = """
        $.returns[*] ? (@.state == "requested" || @.state == "approved" || @.state == "received" && !(@.refund.state == "failed"))
        """

    private static func erase(_ rows: [OrderRow], on transaction: any SQLConnection) async throws {
        if rows.isEmpty { return }
        try await transaction.enqueue(
            """
            UPDATE orders
            SET email = \(Erased.email), locale = NULL, shipping_address = jsonb_build_object(
                'name', \(Erased.text), 'line1', \(Erased.text), 'city', \(Erased.text), 'country', shipping_address -> 'country')
            WHERE id = ANY(\(rows.map(\.id)))
            """)
        // The orders are locked by now, so no note can be added concurrently.
        try await NoteStore.erase(of: rows.map(\.id), on: transaction)
        try await CheckoutStore.eraseReasons(of: rows.map(\.id), on: transaction)
        let histories = try rows.map { try JSONColumn($0.history.value.map(\.erased)).text }
        let fulfilments = try rows.map { try $0.storedFulfilment.map { try JSONColumn($0.value.erased).text } }
        try await transaction.enqueue(
            """
            UPDATE checkouts SET history = new.history::jsonb, fulfilment = new.fulfilment::jsonb, version = version + 1
            FROM unnest(\(rows.map(\.id)), \(histories), \(fulfilments)) AS new (of, history, fulfilment)
            WHERE order_id = new.of
            """)
    }
}

extension OrderView.Entry {
    /// The steps taken by people whose texts contain nothing that a person typed. The texts of all other such steps are erased.
    private static let plain: Set<String> = ["delivered", "returnRequested", "returnApproved", "returnReceived"]

    /// The same without free text that people wrote, and without anything that identifies a parcel's recipient.
    var erased: Self {
        guard by != nil, !Self.plain.contains(state) else { return self }
        return Self(at: at, state: state, detail: detail.hasPrefix(Self.cancelled) ? Self.cancelled : Erased.text, by: by, administrator: administrator)
    }

    static let cancelled = "cancelled"
}
