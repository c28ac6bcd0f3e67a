import Contracts
import FoundationEssentials
import Orders
import Testing

@testable import Audit
@testable import ShopClient

/// Money that is taken later, or about which an operator has decided.
struct AuditCaptureTests {
    @Test func `an order whose payment is authorized is consistent until it is shipped`() {
        var order = AuditInvariantTests.order("confirmed", paymentState: "authorized")
        order.charge = AuditInvariantTests.charge(order.id, state: "authorized")
        order.ledger = [AuditInvariantTests.payment(captured: 0, status: "requires_capture")]
        #expect(AuditInvariantTests.findings(order) == [])
        order.fulfilment = AuditedFulfilment(shipped: ["A": 2, "B": 1], state: "shipped")
        #expect(order.paymentFindings.map { $0.sentence.contains("was shipped, but its payment is not captured") } == [true])
        order.fulfilment = nil
        order.ledger = [AuditInvariantTests.payment()]
        #expect(order.paymentFindings.map(\.invariant) == [.payments])
    }

    @Test func `a decision by hand explains money that is kept or was not taken`() {
        var order = AuditInvariantTests.order("cancelled", paymentState: "succeeded")
        order.charge = AuditInvariantTests.charge(order.id, state: "settled", isToBeVoided: true)
        order.ledger = [AuditInvariantTests.payment()]
        #expect(AuditInvariantTests.findings(order) == [])
        order = AuditInvariantTests.order("confirmed", paymentState: "cancelled")
        order.charge = AuditInvariantTests.charge(order.id, state: "settled")
        order.ledger = [AuditInvariantTests.payment(captured: 0, status: "canceled")]
        #expect(AuditInvariantTests.findings(order) == [])
    }

    @Test func `a payment that could not be captured has an open dead letter`() {
        var order = AuditInvariantTests.order("confirmed", paymentState: "needsOperator")
        order.charge = AuditInvariantTests.charge(order.id, state: "uncaptured")
        order.ledger = [AuditInvariantTests.payment(captured: 0, status: "canceled")]
        #expect(AuditInvariantTests.findings(order).map(\.invariant) == [.payments])
        order.hasOpenPayment = true
        #expect(AuditInvariantTests.findings(order) == [])
    }
}
