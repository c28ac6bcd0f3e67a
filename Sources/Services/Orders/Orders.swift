import Contracts
import Input
import Messaging
import PostgreSQL
import Runtime

/// Orders: owns the checkout saga, and shows customers its progress.
public enum OrdersService {
    public static let name = "orders"
    public static let migrations = Inbox.migrations + Schema.migrations
    static let overdueInterval: Duration = .seconds(1)
    static let retryCheckout = "orders.checkouts.retry"
    static let abandonCheckout = "orders.checkouts.compensate"
    static let assignCheckout = "orders.checkouts.assign"

    /// - Parameters:
    ///   - retention: Seconds from the time when an order was placed for which it keeps its recipient, even if the customer has deleted the account. Nothing is erased before
    ///     the order has ended: it was shipped and has no open return, it was given up, or it is older than `Customers.longestHold`.
    ///   - shop: The shop's name on invoices, if it is known.
    ///   - inboxes: The inboxes of other services. Without them, operators see only those messages of an order that its own inbox knows.
    public static func definition(
        times: CheckoutTimes = .init(), retention: Double = 0, shop: String? = nil, inboxes: Inboxes? = nil, clock: any WallClock
    ) -> ServiceDefinition {
        let placing = Placing(times: times, clock: clock)
        let advancing = Advancing(times: times, clock: clock)
        let changing = Changing(times: times, clock: clock)
        let reading = Reading(clock: clock)
        let customers = Customers(clock: clock, retention: retention)
        let notes = Notes(clock: clock)
        let operating = Operating(times: times, clock: clock, inboxes: inboxes)
        return ServiceDefinition(
            name: name,
            operations: [
                .findInInbox(of: name),
                .command(MessageName.place, reading: PlaceOrder.read, ahead: { [Store.numbering($0.map(\.input))] }, handle: placing.place),
                .command(
                    MessageName.advance, reading: Operation.contract(CheckoutEvent.self), ahead: { Store.lockingWithWaiters($0.map(\.input.orderID)) },
                    handle: advancing.advance),
                // It locks checkouts, as `advance` does.
                .command(MessageName.waitForOrder, transaction: .own, reading: Operation.contract(WaitForOrder.self), handle: reading.wait),
                .command("orders.orders.cancel", transaction: .own, reading: CancelOrder.read, handle: changing.cancel),
                .command("orders.shipments.create", transaction: .own, reading: NewShipment.read, handle: changing.ship),
                .command("orders.orders.deliver", transaction: .own, reading: DeliverOrder.read, handle: changing.deliver),
                .command("orders.returns.create", transaction: .own, reading: NewReturn.read, handle: changing.requestReturns),
                .command("orders.returns.approve", transaction: .own, reading: DecideReturn.approve, handle: changing.decide),
                .command("orders.returns.refuse", transaction: .own, reading: DecideReturn.refuse, handle: changing.decide),
                .command("orders.returns.receive", transaction: .own, reading: DecideReturn.receive, handle: changing.decide),
                .command(MessageName.eraseInOrders, transaction: .own, reading: Operation.contract(Customer.self), handle: customers.erase),
                .query(MessageName.exportFromOrders, reading: Operation.contract(Customer.self), handle: customers.export),
                .query("orders.orders.get", reading: GetOrder.read, handle: reading.get),
                .query("orders.orders.events", reading: ListenToOrder.read, handle: reading.events),
                .query("orders.orders.versions", reading: Operation.contract(VersionsQuery.self), handle: reading.versions),
                .query(MessageName.orderStates, reading: Operation.contract(OrderStatesQuery.self), handle: reading.states),
                .query("orders.orders.list", reading: ListOrders.read, handle: reading.list),
                .query("orders.invoices.get", reading: GetOrder.read, handle: Invoicing(shop: shop).get),
                .query(MessageName.orderNews, reading: Operation.contract(OrderNewsQuery.self), handle: News(times: times).list),
                .command("orders.notes.create", transaction: .own, reading: NewNote.read, handle: notes.add),
                .query("orders.notes.list", reading: ListNotes.read, handle: notes.list),
                .query("orders.checkouts.list", reading: ListCheckouts.read, handle: operating.list),
                .compositeQuery("orders.checkouts.get", reading: OneCheckout.read, answer: operating.get),
                .command(retryCheckout, transaction: .own, reading: OneCheckout.read, handle: changing.retry),
                .command(abandonCheckout, transaction: .own, reading: AbandonCheckout.read, handle: changing.abandon),
                .command(assignCheckout, transaction: .own, reading: AssignCheckout.read, handle: changing.assign),
            ],
            pollers: [
                Poller(name: "overdue checkouts", interval: overdueInterval, find: advancing.findOverdue),
                Poller(name: "customers who have left", interval: Customers.interval, find: customers.findDue),
            ],
            sends: [
                MessageName.reserve, MessageName.release, MessageName.sell, MessageName.commit, MessageName.charge, MessageName.void, MessageName.capture, MessageName.reopenCart,
                MessageName.advance, MessageName.restock, MessageName.createRefund, MessageName.customerErased, MessageName.eraseOrdersInNotifications,
            ],
            asks: Inboxes.others.map(MessageName.findInInbox),
            announces: [
                MessageName.orderConfirmed, MessageName.orderRejected, MessageName.orderActionRequired, MessageName.orderShipped, MessageName.orderDelivered,
                MessageName.orderCancelled, MessageName.orderRefunded, MessageName.orderReturnRequested, MessageName.orderReturnApproved, MessageName.orderReturnRefused,
            ])
    }
}
