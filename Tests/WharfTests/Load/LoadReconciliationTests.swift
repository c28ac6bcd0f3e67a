import Contracts
import FoundationEssentials
import Testing

@testable import Load
@testable import ShopClient

struct LoadReconciliationTests {
    private static let milk = "groc-whole-milk"

    /// A run of one confirmed and one rejected order, in which everything adds up.
    private struct Run {
        var tally = Tally()
        var evidence = Evidence(
            stockBefore: [milk: .init(onHand: 10, reserved: 1)], stockAfter: [milk: .init(onHand: 8, reserved: 1)], payments: [:],
            deadLettersBefore: 3, deadLettersAfter: 3)
        let confirmed = placed()
        let rejected = placed()
        var asked = 2

        init() throws {
            for order in [confirmed, rejected] {
                tally.send(at: order.sentAt)
                tally.accept(order)
            }
            tally.settle(confirmed, try reported(confirmed, "confirmed"), at: Date())
            tally.settle(rejected, try reported(rejected, "rejected"), at: Date())
            evidence.payments = [confirmed.id: [payment()]]
        }

        var wrong: [String] {
            Reconciliation(asked: asked, tally: tally, evidence: evidence).checks.filter { !$0.isGood }.map(\.name)
        }
    }

    private static func placed(id: UUID = UUID(), isFaithful: Bool = true) -> PlacedOrder {
        PlacedOrder(
            id: id, token: nil, cart: UUID(), total: Money(amount: 398, currency: "EUR"), isFaithful: isFaithful, sentAt: Date(),
            acceptance: .milliseconds(5))
    }

    private static func reported(_ order: PlacedOrder, _ state: String, reason: String = "paymentDeclined") throws -> ReportedOrder {
        let text = """
            {"id": "\(order.id)", "state": "\(state)", "reason": "\(reason)", "lines": [{"sku": "\(milk)", "quantity": 2}],
             "total": {"amount": 398, "currency": "EUR"}, "history": []}
            """
        return try JSONDecoder().decode(ReportedOrder.self, from: Data(text.utf8))
    }

    private static func payment(currency: String = "eur", captured: Int = 398, refunded: Int = 0) -> LedgerPayment {
        LedgerPayment(id: "pi_\(UUID())", orderId: nil, currency: currency, captured: captured, refunded: refunded)
    }

    @Test("A consistent run has no complaints")
    func good() throws {
        let run = try Run()
        #expect(run.wrong.isEmpty)
        #expect(Reconciliation(asked: 2, tally: run.tally, evidence: run.evidence).checks.count == 11)
    }

    @Test("Without a ledger payments are not checked")
    func noLedger() throws {
        var run = try Run()
        run.evidence.payments = nil
        #expect(run.wrong.isEmpty)
        #expect(Reconciliation(asked: 2, tally: run.tally, evidence: run.evidence).checks.count == 8)
    }

    @Test("A checkout without an answer, refused or never sent, is reported")
    func answers() throws {
        var run = try Run()
        run.asked = 3
        #expect(run.wrong == ["every checkout answered"])
        run.tally.leaveUnanswered(cart: UUID())
        #expect(run.wrong == ["every checkout answered"])
        run.asked = 4
        run.tally.refuse(Refusal(status: 409, kind: "cart-ordered", detail: ""))
        #expect(run.wrong == ["every checkout answered", "no checkout refused"])
    }

    @Test("One order for two checkouts is reported")
    func shared() throws {
        var run = try Run()
        run.asked = 3
        run.tally.accept(Self.placed(id: run.confirmed.id))
        #expect(run.wrong == ["one order for each checkout"])
    }

    @Test("An order that does not settle, or waits for its customer, is reported")
    func unsettled() throws {
        var run = try Run()
        run.asked = 3
        let order = Self.placed()
        run.tally.accept(order)
        #expect(run.wrong == ["every order settled"])
        run.tally.settle(order, try Self.reported(order, "requiresAction"), at: Date())
        #expect(run.wrong == ["every order settled"])
    }

    @Test("An order that differs from its cart is reported")
    func unfaithful() throws {
        var run = try Run()
        run.asked = 3
        let order = Self.placed(isFaithful: false)
        run.tally.accept(order)
        run.tally.settle(order, try Self.reported(order, "rejected"), at: Date())
        #expect(run.wrong == ["orders hold what carts held"])
    }

    @Test("A confirmed order without a payment, or with a wrong or returned one, is reported")
    func unpaid() throws {
        var run = try Run()
        let wrong = [
            [], [Self.payment(captured: 397)], [Self.payment(currency: "usd")], [Self.payment(captured: 0)], [Self.payment(refunded: 398)],
        ]
        for payments in wrong {
            run.evidence.payments = [run.confirmed.id: payments]
            #expect(run.wrong == ["confirmed orders paid once, in full"])
        }
    }

    @Test("A second charge is reported, even one that was refunded")
    func doubles() throws {
        var run = try Run()
        run.evidence.payments?[run.confirmed.id]?.append(Self.payment())
        #expect(run.wrong == ["confirmed orders paid once, in full", "no order charged twice"])
        run.evidence.payments = [run.confirmed.id: [Self.payment(), Self.payment(refunded: 398)]]
        #expect(run.wrong == ["no order charged twice"])
    }

    @Test("A rejected order may be charged when the money was refunded, not otherwise")
    func refunds() throws {
        var run = try Run()
        run.evidence.payments?[run.rejected.id] = [Self.payment(refunded: 398)]
        #expect(run.wrong.isEmpty)
        run.evidence.payments?[run.rejected.id] = [Self.payment(refunded: 397)]
        #expect(run.wrong == ["no money kept for rejected orders"])
    }

    @Test("Stock that is gone and not sold, sold and not gone, or still reserved is reported")
    func stock() throws {
        var run = try Run()
        for onHand in [7, 9] {
            run.evidence.stockAfter = [Self.milk: .init(onHand: onHand, reserved: 1)]
            #expect(run.wrong == ["stock gone = pieces sold"])
        }
        run.evidence.stockAfter = [Self.milk: .init(onHand: 8, reserved: 2)]
        #expect(run.wrong == ["no stock left reserved"])
        run.evidence.stockAfter = [:]
        #expect(run.wrong == ["stock gone = pieces sold"])
    }

    @Test("A new dead letter is reported, one that was settled is not")
    func deadLetters() throws {
        var run = try Run()
        run.evidence.deadLettersAfter = 2
        #expect(run.wrong.isEmpty)
        run.evidence.deadLettersAfter = 4
        #expect(run.wrong == ["no new dead letters"])
    }

    @Test("Scarce stock that is sold twice, an order that falls short of the stock, and one that is charged although it was short are reported")
    func shortages() throws {
        var run = try Run()
        func wrong(_ scarce: Set<String>) -> [String] {
            Reconciliation(asked: run.asked, tally: run.tally, evidence: run.evidence).shortages(of: scarce).filter { !$0.isGood }.map(\.name)
        }
        let short = Self.placed()
        run.tally.accept(short)
        run.tally.settle(short, try Self.reported(short, "rejected", reason: ReportedOrder.outOfStock), at: Date())
        #expect(wrong([Self.milk]).isEmpty)
        #expect(wrong([]) == ["only scarce stock ran out"])
        run.evidence.payments?[short.id] = [Self.payment(refunded: 398)]
        #expect(wrong([Self.milk]) == ["no order charged that was out of stock"])
        run.evidence.payments?[short.id] = nil
        run.evidence.stockBefore = [Self.milk: .init(onHand: 1, reserved: 0)]
        #expect(wrong([Self.milk]) == ["no scarce stock sold twice"])
    }

    @Test("At most ten culprits are named")
    func culprits() {
        #expect(Check("x", "", culprits: (0..<50).map { "\($0)" }).culprits.count == 10)
    }
}
