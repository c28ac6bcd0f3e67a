import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL

/// An order with its saga, as the tables have it.
struct OrderRow: Sendable {
    let id: UUID
    let number: String
    let cartID: UUID
    let customerID: UUID?
    let email: String
    /// The customer's language tag, where it is known.
    let locale: String?
    let shippingAddress: JSONColumn<Address>
    let payment: JSONColumn<PaymentChoice>
    var lines: JSONColumn<[OrderLine]>
    let total: Money
    let placedAt: Date
    var checkout: Checkout
    var paymentState: PaymentState
    /// The revision of the report that `paymentState` and `refunded` are from; 0 before the first.
    var paymentRevision: Int
    var clientSecret: String?
    var refunded: Int
    /// How often the step of this phase was repeated.
    var retries: Int
    /// As it was read.
    let version: Int
    let history: JSONColumn<[OrderView.Entry]>
    /// Entries that follow `history` and are not stored yet.
    var newHistory: [OrderView.Entry] = []
    /// Nil before the first shipment.
    var shipping: Fulfilment.State?
    /// Nil before the first shipment, request for a return or refund.
    let storedFulfilment: JSONColumn<Fulfilment>?
    /// Not stored yet.
    private(set) var newFulfilment: Fulfilment?

    var fulfilment: Fulfilment {
        get throws { try newFulfilment ?? storedFulfilment?.value ?? Fulfilment() }
    }

    mutating func change(_ fulfilment: Fulfilment) throws {
        newFulfilment = fulfilment
        shipping = fulfilment.state(of: try lines.value)
    }

    /// As the API shows it.
    var state: String { shipping?.rawValue ?? checkout.orderState }

    /// The order as its customer sees it.
    var view: OrderView { get throws { try view(for: nil) } }

    func view(for caller: Caller?) throws -> OrderView {
        let fulfilment = try fulfilment
        return OrderView(
            id: id, number: number, state: state, reason: checkout.reason?.rawValue, email: email,
            lines: try lines.value, total: total, refunded: Money(amount: refunded, currency: total.currency),
            shippingAddress: try shippingAddress.value,
            payment: .init(state: paymentState, gateway: try payment.value.gateway, key: clientSecret),
            placedAt: placedAt, history: (try history.value + newHistory).map { $0.shown(to: caller) }, shipments: fulfilment.shipments, returns: fulfilment.returns)
    }
}

/// The parts of an order that are stored as JSON.
struct OrderTexts: Sendable {
    let shippingAddress: JSONColumn<Address>
    let payment: JSONColumn<PaymentChoice>
    let lines: JSONColumn<[OrderLine]>

    init(_ order: PlaceOrder) throws {
        shippingAddress = try JSONColumn(order.shippingAddress)
        payment = try JSONColumn(order.payment)
        lines = try JSONColumn(order.lines)
    }
}

enum Store {
    /// The number of each new order, by the order's id. An order whose cart has one already gets no number. A number may stay unused, but is never given to two orders.
    static func numbers(for orders: [PlaceOrder], on transaction: any SQLConnection) async throws -> [UUID: String] {
        let rows = try await transaction.query(numbering(orders))
        var carts: Set<UUID> = []
        return try rows.reduce(into: [:]) { numbers, row in
            if carts.insert(try row.decode("cart_id")).inserted { numbers[try row.decode("id")] = try row.decode("number", as: String.self) }
        }
    }

    /// The statement of `numbers`.
    static func numbering(_ orders: [PlaceOrder]) -> SQL {
        """
        SELECT id, cart_id, 'W-' || nextval('order_numbers') AS number
        FROM unnest(\(orders.map(\.orderID)), \(orders.map(\.cartID))) AS new (id, cart_id)
        WHERE NOT EXISTS (SELECT FROM orders WHERE orders.id = new.id)
          AND NOT EXISTS (SELECT FROM orders WHERE orders.cart_id = new.cart_id AND NOT cart_reopened)
        """
    }

    /// Inserts new orders with their numbers. If one of them exists by now, the transaction fails and is retried.
    static func place(
        _ orders: [PlaceOrder], numbers: [String], messages: [UUID], texts: [OrderTexts], history: JSONColumn<[OrderView.Entry]>, due: Date?, now: Date,
        on transaction: any SQLConnection
    ) async throws {
        try await transaction.enqueue(
            """
            WITH placed AS (
                INSERT INTO orders (id, number, cart_id, customer_id, email, shipping_address, payment, lines, total, currency, placed_at, locale, placed_by)
                SELECT id, number, cart_id, customer_id, email, address::jsonb, payment::jsonb, lines::jsonb, total, currency, \(now), locale, message
                FROM unnest(
                    \(orders.map(\.orderID)), \(numbers), \(orders.map(\.cartID)), \(orders.map(\.customerID)), \(orders.map(\.email)),
                    \(texts.map(\.shippingAddress.text)), \(texts.map(\.payment.text)), \(texts.map(\.lines.text)),
                    \(orders.map(\.total.amount)), \(orders.map(\.total.currency)), \(orders.map(\.locale)),
                    \(messages)
                ) AS new (id, number, cart_id, customer_id, email, address, payment, lines, total, currency, locale, message)
                ON CONFLICT DO NOTHING
                RETURNING id
            ), begun AS (
                INSERT INTO checkouts (order_id, phase, due_at, history, listed_at)
                SELECT id, \(Checkout.placed.phase.rawValue), \(due), \(history.text)::jsonb, \(now) FROM placed
            )
            SELECT expect_rows(\(orders.count), (SELECT count(*) FROM placed))
            """)
    }

    static let columns: SQL = """
        SELECT id, number, cart_id, customer_id, email, locale, shipping_address::text AS shipping_address, payment::text AS payment,
               lines::text AS lines, total, currency, placed_at, phase, reason, payment_state, payment_revision, client_secret, refunded,
               drives, version, history::text AS history, shipping, fulfilment::text AS fulfilment
        FROM orders JOIN checkouts ON order_id = id

        """

    /// The orders, their sagas locked in one order, so that two batches cannot deadlock.
    static func lock(_ ids: [UUID], on transaction: any SQLConnection) async throws -> [UUID: OrderRow] {
        try orders(await transaction.query(locking(ids)))
    }

    private static func locking(_ ids: [UUID]) -> SQL {
        columns + "WHERE order_id = ANY(\(Set(ids).sorted())) ORDER BY order_id FOR UPDATE OF checkouts"
    }

    private static func orders(_ rows: Rows) throws -> [UUID: OrderRow] {
        try Dictionary(rows.map(read).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    static func find(_ ids: [UUID], on connection: any SQLConnection) async throws -> [UUID: OrderRow] {
        try orders(await connection.query(columns + "WHERE order_id = ANY(\(ids))"))
    }

    /// If a row has been changed by another transaction since it was read, the transaction fails and is retried.
    static func save(_ rows: [OrderRow], due: [Date?], on transaction: any SQLConnection) async throws {
        try await transaction.enqueue(
            """
            WITH saved AS (
                UPDATE checkouts
                SET phase = new.phase, reason = new.reason, payment_state = new.payment_state, payment_revision = new.payment_revision,
                    client_secret = new.client_secret, refunded = new.refunded,
                    redrives = redrives + CASE WHEN new.drives > checkouts.drives THEN 1 ELSE 0 END,
                    drives = new.drives, due_at = new.due_at, version = new.version + 1, shipping = new.shipping,
                    fulfilment = coalesce(new.fulfilment::jsonb, checkouts.fulfilment),
                    history = CASE new.history WHEN '[]' THEN checkouts.history ELSE checkouts.history || new.history::jsonb END
                FROM unnest(
                    \(rows.map(\.id)), \(rows.map(\.checkout.phase.rawValue)), \(rows.map(\.checkout.reason?.rawValue)),
                    \(rows.map(\.paymentState.rawValue)), \(rows.map(\.paymentRevision)), \(rows.map(\.clientSecret)), \(rows.map(\.refunded)),
                    \(rows.map(\.retries)), \(due), \(rows.map(\.version)), \(try rows.map { try JSONColumn($0.newHistory).text }),
                    \(rows.map(\.shipping?.rawValue)), \(try rows.map { try $0.newFulfilment.map { try JSONColumn($0).text } })
                ) AS new (
                    order_id, phase, reason, payment_state, payment_revision, client_secret, refunded, drives, due_at, version, history, shipping,
                    fulfilment)
                WHERE checkouts.order_id = new.order_id AND checkouts.version = new.version
                RETURNING 1
            )
            SELECT expect_rows(\(rows.count), (SELECT count(*) FROM saved))
            """)
    }

    /// From here on another order may be placed for the carts of these orders.
    static func reopenCarts(of orders: [UUID], on transaction: any SQLConnection) async throws {
        try await transaction.enqueue("UPDATE orders SET cart_reopened = true WHERE id = ANY(\(orders)) AND NOT cart_reopened")
    }

    static func read(_ row: Row) throws -> OrderRow {
        let phase: String = try row.decode("phase")
        let reason: String? = try row.decode("reason")
        guard let known = Checkout.Phase(rawValue: phase) else {
            throw Failure("unknown-phase", "the checkout's phase '\(phase)' is unknown to this version of Wharf", remedy: .retry)
        }
        let paymentState: String = try row.decode("payment_state")
        guard let payment = PaymentState(rawValue: paymentState) else {
            throw Failure("unknown-state", "the payment's state '\(paymentState)' is unknown to this version of Wharf")
        }
        let fulfilment: String? = try row.decode("fulfilment")
        let shipping: String? = try row.decode("shipping")
        return OrderRow(
            id: try row.decode("id"), number: try row.decode("number"), cartID: try row.decode("cart_id"),
            customerID: try row.decode("customer_id"), email: try row.decode("email"), locale: try row.decode("locale"),
            shippingAddress: JSONColumn(text: try row.decode("shipping_address")), payment: JSONColumn(text: try row.decode("payment")),
            lines: JSONColumn(text: try row.decode("lines")),
            total: Money(amount: try row.decode("total"), currency: try row.decode("currency")),
            placedAt: try row.decode("placed_at"),
            checkout: Checkout(phase: known, reason: reason.flatMap(Checkout.Reason.init)),
            paymentState: payment, paymentRevision: try row.decode("payment_revision"), clientSecret: try row.decode("client_secret"),
            refunded: try row.decode("refunded"), retries: try row.decode("drives"), version: try row.decode("version"),
            history: JSONColumn(text: try row.decode("history")), shipping: shipping.flatMap(Fulfilment.State.init),
            storedFulfilment: fulfilment.map(JSONColumn.init(text:)))
    }
}

// MARK: - Due sagas and waiting requesters

extension Store {
    struct Overdue: Sendable {
        let order: UUID
        let phase: String
        /// How often the step was repeated.
        let retries: Int
    }

    /// Sagas whose step is overdue, longest overdue first to the minute, postponed by `lease`, which is the time that the message's handler may take.
    static func takeOverdue(_ limit: Int, now: Date, lease: Double, on transaction: any SQLConnection) async throws -> [Overdue] {
        try await transaction.query(
            """
            UPDATE checkouts SET due_at = \(now.addingTimeInterval(lease))
            WHERE order_id IN (
                SELECT order_id FROM checkouts
                WHERE due_minute <= \(now) AT TIME ZONE 'UTC' AND due_at < \(now) ORDER BY due_minute LIMIT \(limit) FOR UPDATE SKIP LOCKED)
            RETURNING order_id, phase, drives
            """
        ).map { Overdue(order: try $0.decode("order_id"), phase: try $0.decode("phase"), retries: try $0.decode("drives")) }
    }

    struct Waiter: Sendable {
        /// How long, in seconds, a requester may wait for an order to settle, whatever it asks for.
        static let longest = 35.0

        let order: UUID
        let requester: Requester
        let until: Date
    }

    static func addWaiters(_ waiters: [Waiter], on transaction: any SQLConnection) async throws {
        try await transaction.enqueue(
            """
            INSERT INTO waiters (order_id, reply_to, correlation_id, until)
            SELECT * FROM unnest(
                \(waiters.map(\.order)), \(waiters.map(\.requester.replyTo)), \(waiters.map(\.requester.correlationID)),
                \(waiters.map(\.until)))
            ON CONFLICT DO NOTHING
            """)
    }

    /// The orders, locked as by `lock`, and the requesters that wait for them: while the locks last, no requester is added.
    static func lockWithWaiters(_ ids: [UUID], on transaction: any SQLConnection) async throws -> (orders: [UUID: OrderRow], waiters: [Waiter]) {
        let rows = try await transaction.pipeline(lockingWithWaiters(ids))
        let waiters = try rows[1].map { row in
            Waiter(
                order: try row.decode("order_id"),
                requester: Requester(replyTo: try row.decode("reply_to"), correlationID: try row.decode("correlation_id")),
                until: try row.decode("until"))
        }
        return (try orders(rows[0]), waiters)
    }

    /// The statements of `lockWithWaiters`.
    static func lockingWithWaiters(_ ids: [UUID]) -> [SQL] {
        [locking(ids), "SELECT order_id, reply_to, correlation_id, until FROM waiters WHERE order_id = ANY(\(Set(ids).sorted()))"]
    }

    static func removeWaiters(of orders: [UUID], on transaction: any SQLConnection) async throws {
        try await transaction.enqueue("DELETE FROM waiters WHERE order_id = ANY(\(orders))")
    }

    /// Requesters that have given up; at most `limit` at once.
    static func dropWaiters(before now: Date, limit: Int, on transaction: any SQLConnection) async throws {
        try await transaction.execute(
            """
            DELETE FROM waiters WHERE (order_id, correlation_id) IN (
                SELECT order_id, correlation_id FROM waiters WHERE until < \(now) LIMIT \(limit) FOR UPDATE SKIP LOCKED)
            """)
    }
}
