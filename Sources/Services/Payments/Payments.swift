import Contracts
import Messaging
import PostgreSQL

/// Payments: takes the money for an order once, and gives it back when the order does not come about.
public enum PaymentsService {
    public static let name = "payments"
    public static let migrations = Inbox.migrations + Schema.migrations

    public static func definition(gateway: any PaymentGateway, clock: any WallClock) -> ServiceDefinition {
        let charging = Charging(gateway: gateway, clock: clock)
        let voiding = Voiding(gateway: gateway, clock: clock)
        let webhooks = Webhooks(clock: clock)
        return ServiceDefinition(
            name: name,
            operations: [
                .external(
                    MessageName.charge, reading: Charging.read, prepare: charging.begin,
                    perform: charging.charge, complete: charging.complete),
                .external(
                    MessageName.void, reading: Operation.contract(VoidPayment.self), prepare: voiding.begin,
                    perform: voiding.void, complete: voiding.complete),
                .command("payments.webhooks.stripe", reading: StripeEvent.read, handle: webhooks.handle),
            ],
            pollers: [
                Poller(name: "unvoided payments", interval: .seconds(10), find: voiding.findUnvoided),
                Poller(name: "old webhook events", interval: .seconds(3600), find: webhooks.dropOld),
            ], queues: ["payments.commands"])
    }
}
