import Contracts
import Messaging
import PostgreSQL
import Runtime

/// Orders: owns the checkout saga, and shows customers its progress.
public enum OrdersService {
    public static let name = "orders"
    public static let migrations = Inbox.migrations + Schema.migrations
    static let overdueInterval: Duration = .seconds(1)

    public static func definition(times: CheckoutTimes = .init(), clock: any WallClock) -> ServiceDefinition {
        let placing = Placing(times: times, clock: clock)
        let advancing = Advancing(times: times, clock: clock)
        let reading = Reading(clock: clock)
        return ServiceDefinition(
            name: name,
            operations: [
                .command(MessageName.place, reading: PlaceOrder.read, handle: placing.place),
                .command(MessageName.advance, reading: Operation.contract(CheckoutEvent.self), handle: advancing.advance),
                // It locks checkouts, as `advance` does.
                .command(MessageName.waitForOrder, transaction: .own, reading: Operation.contract(WaitForOrder.self), handle: reading.wait),
                .query("orders.orders.get", reading: GetOrder.read, handle: reading.get),
                .query("orders.orders.list", reading: ListOrders.read, handle: reading.list),
            ],
            pollers: [Poller(name: "overdue checkouts", interval: overdueInterval, find: advancing.findOverdue)],
            sends: [
                MessageName.reserve, MessageName.release, MessageName.commit, MessageName.charge, MessageName.void, MessageName.reopenCart,
                MessageName.advance,
            ], announces: [MessageName.orderConfirmed, MessageName.orderRejected])
    }
}
