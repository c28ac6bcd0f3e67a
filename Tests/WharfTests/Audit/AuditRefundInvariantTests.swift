import Testing

@testable import Audit

/// The ledger of refunds, each damage with a single finding.
struct AuditRefundInvariantTests {
    private static func refunded(_ made: Int, of reported: Int, _ order: inout AuditedOrder) {
        order.charge?.refundsMade = made
        order.charge?.refunded = reported
    }

    static let damages: [(String, @Sendable (inout AuditedOrder) -> Void)] = [
        ("a ledger that does not add up", { refunded(100, of: 200, &$0) }),
        ("a refund that the gateway does not have", { refunded(100, of: 100, &$0) }),
        ("a refused refund without a dead letter", { $0.charge?.hasRefusedRefund = true }),
        ("disputed, reported as succeeded", { $0.charge?.isDisputed = true }),
    ]

    @Test(arguments: damages.indices) func `a ledger of refunds that is wrong is reported`(place: Int) {
        let (name, damage) = Self.damages[place]
        var order = AuditInvariantTests.order("confirmed")
        damage(&order)
        #expect(AuditInvariantTests.findings(order).map(\.invariant) == [.payments], "\(name)")
    }

    @Test func `more refunded than captured is reported, also where the gateway has done so`() {
        var order = AuditInvariantTests.order("confirmed", paymentState: "refunded", refunded: 301)
        Self.refunded(301, of: 301, &order)
        order.ledger = [AuditInvariantTests.payment(refunded: 301)]
        #expect(AuditInvariantTests.findings(order).map(\.invariant) == [.payments])
    }

    @Test func `an order whose refunds are those of the gateway has no findings`() {
        var order = AuditInvariantTests.order("confirmed", refunded: 100)
        Self.refunded(100, of: 100, &order)
        order.ledger = [AuditInvariantTests.payment(refunded: 100)]
        #expect(AuditInvariantTests.findings(order) == [])
        order = AuditInvariantTests.order("confirmed", paymentState: "needsOperator")
        order.charge?.hasRefusedRefund = true
        order.hasOpenPayment = true
        #expect(AuditInvariantTests.findings(order) == [])
    }
}
