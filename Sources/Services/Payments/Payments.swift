import Contracts
import Messaging
import PostgreSQL
import Runtime

/// Payments: charges each order once, refunds it in parts or as a whole, and all of it when the order fails.
public enum PaymentsService {
    public static let name = "payments"
    public static let migrations = Inbox.migrations + Schema.migrations

    /// - Parameters:
    ///   - gateways: The gateways that this process can call, one for each name.
    ///   - capture: When new payments are captured; each payment keeps the mode in which it began.
    public static func definition(gateways: [any PaymentGateway], capture: CaptureMode = .automatic, clock: any WallClock) -> ServiceDefinition {
        let gateways = Gateways(gateways)
        let charging = Charging(gateways: gateways, capture: capture, clock: clock)
        let voiding = Voiding(gateways: gateways, clock: clock)
        let approvals = Approvals(gateways: gateways, clock: clock)
        let capturing = Capturing(gateways: gateways, clock: clock)
        let unresolved = Unresolved(gateways: gateways, clock: clock)
        let extras = Extras(gateways: gateways, clock: clock)
        let creating = Creating(clock: clock)
        let refunding = Refunding(gateways: gateways, clock: clock)
        let methods = Methods(gateways: gateways)
        let customers = Customers(gateways: gateways, clock: clock)
        let webhooks = gateways.all.map { Webhooks(gateway: $0, clock: clock) }
        return ServiceDefinition(
            name: name,
            operations: [
                .findInInbox(of: name),
                .external(
                    MessageName.charge, reading: Charging.read, intending: { [Store.locking($0.map(\.input.orderID))] }, prepare: charging.begin,
                    perform: charging.charge, ahead: { [Store.locking($0.map(\.input.orderID))] }, complete: charging.complete),
                .external(
                    MessageName.void, reading: Operation.contract(VoidPayment.self), prepare: voiding.begin,
                    perform: voiding.void, complete: voiding.complete),
                .external(
                    MessageName.capture, reading: Operation.contract(CapturePayment.self), prepare: capturing.begin,
                    perform: capturing.capture, complete: capturing.complete),
                .external(
                    MessageName.undoExtra, reading: Operation.contract(UndoExtraPayment.self), prepare: extras.find,
                    perform: extras.undo, complete: extras.complete),
                .external(
                    MessageName.completeApproval, reading: Operation.contract(ApprovedPayment.self), prepare: approvals.begin,
                    perform: approvals.complete, complete: approvals.settle),
                .external(
                    MessageName.unresolved, reading: Operation.contract(UnresolvedPayment.self), prepare: unresolved.begin,
                    perform: unresolved.resolve, complete: unresolved.complete),
                .command(MessageName.createRefund, reading: CreateRefund.read, handle: creating.create),
                .external(
                    MessageName.performRefund, reading: Operation.contract(PerformRefund.self), prepare: refunding.begin,
                    perform: refunding.perform, complete: refunding.complete),
                .query("payments.refunds.list", reading: ListRefunds.read, handle: creating.list),
                // It locks attempts by what it finds.
                .command("payments.unresolved.settle", transaction: .own, reading: SettlePayment.read, handle: Settling(clock: clock).settle),
                .query("payments.unresolved.list", reading: ListUnresolved.read, handle: UnresolvedList.list),
                .query("payments.methods.list", reading: ListMethods.read, handle: methods.list),
                .query(MessageName.findPaymentMethods, reading: Operation.contract(SavedMethodQuery.self), handle: methods.find),
                .command("payments.methods.delete", transaction: .own, reading: OwnMethod.read, handle: methods.delete),
                .external(
                    MessageName.detachPaymentMethod, reading: Operation.contract(DetachMethod.self), prepare: { items, _ in items.map { _ in () } },
                    perform: methods.detach, complete: methods.complete),
                .query(MessageName.exportFromPayments, reading: Operation.contract(Customer.self), handle: customers.export),
                .external(
                    MessageName.eraseInPayments, reading: Operation.contract(Customer.self), prepare: customers.erase, perform: customers.delete,
                    complete: customers.complete),
            ]
                + webhooks.map { webhooks in
                    .external(
                        Webhooks.operation(of: webhooks.gateway.name), reading: webhooks.gateway.event, prepare: webhooks.begin,
                        perform: webhooks.ask, complete: webhooks.complete)
                },
            pollers: [
                Poller(name: "unvoided payments", interval: .seconds(10), find: voiding.findUnvoided),
                Poller(name: "payments to approve", interval: .seconds(10), find: approvals.findWaiting),
                Poller(name: "uncaptured payments", interval: .seconds(10), find: capturing.findUncaptured),
                Poller(name: "pending refunds", interval: .seconds(10), find: refunding.findPending),
                Poller(name: "replaced payment methods", interval: .seconds(60), find: MethodStore.findReplaced(clock)),
                Poller(name: "old webhook events", interval: .seconds(3600), find: Webhooks.dropOld(clock)),
            ],
            sends: [
                MessageName.advance, MessageName.sell, MessageName.commit, MessageName.void, MessageName.undoExtra, MessageName.unresolved, MessageName.performRefund,
                MessageName.completeApproval, MessageName.capture, MessageName.charge, MessageName.detachPaymentMethod, MessageName.eraseInPayments,
                MessageName.customerErased,
            ]
                // Events whose webhooks did not arrive.
                + webhooks.map { Webhooks.operation(of: $0.gateway.name) })
    }
}
