import Contracts
import Messaging
import PostgreSQL
import Runtime

/// Payments: charges each order once, and refunds it when the order fails.
public enum PaymentsService {
    public static let name = "payments"
    public static let migrations = Inbox.migrations + Schema.migrations

    public static func definition(gateway: any PaymentGateway, clock: any WallClock) -> ServiceDefinition {
        let charging = Charging(gateway: gateway, clock: clock)
        let voiding = Voiding(gateway: gateway, clock: clock)
        let unresolved = Unresolved(gateway: gateway, clock: clock)
        let extras = Extras(gateway: gateway)
        let webhooks = Webhooks(gateway: gateway, clock: clock)
        return ServiceDefinition(
            name: name,
            operations: [
                .external(
                    MessageName.charge, reading: Charging.read, prepare: charging.begin,
                    perform: charging.charge, complete: charging.complete),
                .external(
                    MessageName.void, reading: Operation.contract(VoidPayment.self), prepare: voiding.begin,
                    perform: voiding.void, complete: voiding.complete),
                .external(
                    MessageName.undoExtra, reading: Operation.contract(UndoExtraPayment.self), prepare: extras.find,
                    perform: extras.undo, complete: extras.complete),
                .external(
                    MessageName.unresolved, reading: Operation.contract(UnresolvedPayment.self), prepare: unresolved.begin,
                    perform: unresolved.resolve, complete: unresolved.complete),
                .external(
                    "payments.webhooks.stripe", reading: StripeEvent.read, prepare: webhooks.begin,
                    perform: webhooks.ask, complete: webhooks.complete),
            ],
            pollers: [
                Poller(name: "unvoided payments", interval: .seconds(10), find: voiding.findUnvoided),
                Poller(name: "old webhook events", interval: .seconds(3600), find: webhooks.dropOld),
            ], queues: ["payments.commands"],
            sends: [MessageName.advance, MessageName.commit, MessageName.void, MessageName.undoExtra, MessageName.unresolved], isAnswering: false)
    }
}
