import Contracts
import FoundationEssentials
import Orders
import Testing

@testable import Audit

/// What comes after the checkout: cancellations, shipments, returns.
extension AuditInvariantTests {
    /// A consistent order that the gateway has refunded in full.
    static func cancelled() -> AuditedOrder { order("cancelled", refunded: 300) }

    /// Each one turns a good cancelled order into one with a single finding, of that invariant.
    static let cancellationDamages: [(String, Invariant, @Sendable (inout AuditedOrder) -> Void)] = [
        ("its stock is still sold", .stock, { $0.reservation = AuditedReservation(order: $0.id, state: "committed", pieces: ["A": 2, "B": 1], at: then) }),
        ("its stock is still reserved", .stock, { $0.reservation = AuditedReservation(order: $0.id, state: "reserved", pieces: ["A": 2, "B": 1], at: then) }),
        ("its money is kept", .payments, { $0.ledger = [payment()] }),
        ("a part of its money is kept", .payments, { $0.ledger = [payment(refunded: 200)] }),
        ("its cart is open", .contents, { $0.orderOfCart = nil }),
        ("its customer does not know", .notifications, { $0.notifications = [notice("orderConfirmed")] }),
        ("its customer was notified twice", .notifications, { $0.notifications.append(notice("orderCancelled")) }),
        ("called rejected", .notifications, { $0.notifications.append(notice("orderRejected")) }),
        ("shipped", .contents, { $0.fulfilment = AuditedFulfilment(shipped: ["A": 1], state: "partlyShipped") }),
    ]

    @Test(arguments: cancellationDamages.indices) func `an inconsistent cancelled order is reported`(place: Int) {
        let (name, invariant, damage) = Self.cancellationDamages[place]
        var order = Self.cancelled()
        #expect(Self.findings(order) == [])
        damage(&order)
        #expect(Self.findings(order).map(\.invariant) == [invariant], "\(name)")
    }

    /// What was shipped and sent back of a confirmed order of two A and one B.
    static let fulfilments: [(name: String, fulfilment: AuditedFulfilment, isGood: Bool)] = [
        ("a part", .init(shipped: ["A": 1], state: "partlyShipped"), true),
        ("all", .init(shipped: ["A": 2, "B": 1], state: "delivered"), true),
        ("all, and a part came back", .init(shipped: ["A": 2, "B": 1], returned: ["A": 1], state: "delivered"), true),
        ("more than was ordered", .init(shipped: ["A": 3, "B": 1], state: "shipped"), false),
        ("what was not ordered", .init(shipped: ["A": 2, "B": 1, "C": 1], state: "shipped"), false),
        ("more came back than was shipped", .init(shipped: ["A": 1], returned: ["A": 2], state: "partlyShipped"), false),
        ("a part, and called shipped", .init(shipped: ["A": 1], state: "shipped"), false),
        ("all, and called partly shipped", .init(shipped: ["A": 2, "B": 1], state: "partlyShipped"), false),
    ]

    @Test(arguments: fulfilments.indices) func `what was shipped is compared with what was ordered, and what came back with what was shipped`(place: Int) {
        let (name, fulfilment, isGood) = Self.fulfilments[place]
        var order = Self.order("confirmed")
        order.fulfilment = fulfilment
        #expect(Self.findings(order).map(\.invariant) == (isGood ? [] : [.contents]), "\(name)")
    }

    /// A sale of two A and one B in two parcels, delivered; one A was returned to be sold again, and its price was refunded.
    static func sentBack() -> AuditedOrder {
        var order = order("confirmed", refunded: 100)
        let back = UUID()
        order.fulfilment = AuditedFulfilment(
            shipped: ["A": 2, "B": 1], returned: ["A": 1], state: "delivered", parcels: 2, isDelivered: true,
            returns: [.init(id: back, state: "refunded", restocked: true)], refunds: 1)
        order.restocks = [back]
        order.notifications += ["orderShipped", "orderShipped", "orderDelivered", "returnRequested", "returnApproved", "orderRefunded"].map { notice($0) }
        order.ledger = [payment(refunded: 100)]
        return order
    }

    static let stepDamages: [(String, Invariant, @Sendable (inout AuditedOrder) -> Void)] = [
        ("a parcel that was not announced", .notifications, { $0.fulfilment?.parcels = 3 }),
        ("a parcel announced twice", .notifications, { $0.notifications.append(notice("orderShipped")) }),
        ("a delivery announced twice", .notifications, { $0.notifications.append(notice("orderDelivered")) }),
        ("a refund that was not announced", .notifications, { $0.fulfilment?.refunds = 2 }),
        ("a return called refused", .notifications, { $0.notifications.append(notice("returnRefused")) }),
        ("a mail that was not sent", .notifications, { order in order.notifications = order.notifications.map { $0.kind == "returnApproved" ? notice("returnApproved", result: "failed") : $0 } }),
        ("its goods are not back", .stock, { $0.restocks = [] }),
        ("its goods are back, although they were not to be", .stock, { $0.fulfilment?.returns[0].restocked = false }),
    ]

    @Test(arguments: stepDamages.indices) func `each step after the checkout is announced once, and returned goods are in stock once`(place: Int) {
        let (name, invariant, damage) = Self.stepDamages[place]
        var order = Self.sentBack()
        #expect(Self.findings(order) == [])
        damage(&order)
        #expect(Self.findings(order).map(\.invariant) == [invariant], "\(name)")
    }

    @Test func `a dead letter accounts for news of a step that was not sent`() {
        var order = Self.sentBack()
        order.fulfilment?.parcels = 3
        order.hasDeadStepNews = true
        #expect(Self.findings(order) == [])
    }

    @Test(arguments: [("outOfStock", true), ("paymentDeclined", false)]) func `an order may be rejected after its confirmation only if its reservation was gone`(
        reason: String, isAllowed: Bool
    ) {
        var order = Self.order("rejected", paymentState: "cancelled", reason: reason)
        order.charge = Self.charge(order.id, state: "voided", isToBeVoided: true)
        order.ledger = [Self.payment(captured: 0, status: "canceled")]
        order.notifications.append(Self.notice("orderConfirmed"))
        #expect(Self.findings(order).map(\.invariant) == (isAllowed ? [] : [.notifications]))
    }
}
