import Contracts
import FoundationEssentials
import JSON
import Messaging
import Orders
import Testing

@testable import Audit
@testable import ShopClient

struct AuditInvariantTests {
    static let then = Date(timeIntervalSince1970: 1_780_000_000)
    static let total = Money(amount: 300, currency: "EUR")

    static func charge(
        _ order: UUID, state: String = "succeeded", amount: Money = total, isToBeVoided: Bool = false, intent: String? = "pi_1"
    ) -> AuditedCharge {
        AuditedCharge(order: order, state: state, amount: amount, isToBeVoided: isToBeVoided, intent: intent, updatedAt: then)
    }

    static func payment(_ id: String = "pi_1", captured: Int = 300, refunded: Int = 0, currency: String = "eur", status: String? = nil) -> LedgerPayment {
        LedgerPayment(id: id, orderId: nil, currency: currency, captured: captured, refunded: refunded, createdAt: then, status: status)
    }

    static func notice(_ kind: String, channel: String = "email", result: String = "sent") -> AuditedNotification {
        AuditedNotification(order: UUID(), kind: kind, channel: channel, result: result, createdAt: then)
    }

    /// A consistent order.
    static func order(
        _ phase: String, dueAt: Date? = nil, paymentState: String? = nil, refunded: Int = 0, total: Money = total, reason: String? = nil
    ) -> AuditedOrder {
        let id = UUID()
        let shown = paymentState ?? (phase == "rejected" ? "declined" : phase == "cancelled" ? "refunded" : refunded > 0 ? "partlyRefunded" : "succeeded")
        let lines = [
            OrderLine(sku: "A", name: "A", quantity: 2, unitPrice: Money(amount: 100, currency: "EUR")),
            OrderLine(sku: "B", name: "B", quantity: 1, unitPrice: Money(amount: 100, currency: "EUR")),
        ]
        var order = AuditedOrder(
            id: id, number: "W-1", cart: UUID(), lines: lines, total: total, placedAt: then,
            saga: .init(phase: phase, fate: OrderOutcome(phase: phase), reason: reason, paymentState: shown, refunded: refunded, dueAt: dueAt), changedAt: then)
        order.orderOfCart = phase == "rejected" ? nil : id
        switch OrderOutcome(phase: phase) {
        case .sold:
            order.charge = charge(id)
            order.reservation = AuditedReservation(order: id, state: "committed", pieces: ["A": 2, "B": 1], at: then)
            order.notifications = [notice("orderConfirmed")]
            order.ledger = [payment()]
        case .givenUp:
            order.charge = charge(id, state: "declined")
            order.reservation = AuditedReservation(order: id, state: "released", pieces: ["A": 2, "B": 1], at: then)
            order.notifications = [notice("orderRejected")]
            order.ledger = [payment(captured: 0)]
        case .cancelled:
            order.charge = charge(id, state: "refunded", isToBeVoided: true)
            order.reservation = AuditedReservation(order: id, state: "released", pieces: ["A": 2, "B": 1], at: then)
            order.notifications = [notice("orderConfirmed"), notice("orderCancelled")]
            order.ledger = [payment(refunded: total.amount)]
        case .open, nil: break
        }
        return order
    }

    static func findings(_ order: AuditedOrder) -> [Finding] {
        order.deadlineFindings + order.paymentFindings + order.stockFindings + order.contentFindings + order.notificationFindings
    }

    @Test(arguments: ["confirmed", "rejected"]) func `a consistent order at its end has no findings`(phase: String) {
        #expect(Self.findings(Self.order(phase)) == [])
    }

    @Test(arguments: ["reserving", "charging", "awaitingCustomer", "booked", "confirming", "voiding", "releasing"])
    func `an order under way is reported only when it was due`(phase: String) {
        let findings = Self.findings(Self.order(phase, dueAt: Self.then))
        #expect(findings.map(\.unchangedSince) == [Self.then])
        let judge = Judge(now: Self.then.addingTimeInterval(29), grace: 30, backlog: .init())
        #expect(findings.allSatisfy(judge.isInFlight))
        #expect(!findings.contains(where: Judge(now: Self.then.addingTimeInterval(31), grace: 30, backlog: .init()).isInFlight))
    }

    @Test func `an order that nothing will bring to an end is reported`() {
        var order = Self.order("charging")
        #expect(Self.findings(order).map(\.invariant) == [.deadlines])
        order = Self.order("a phase of tomorrow")
        #expect(Self.findings(order).map(\.invariant) == [.deadlines])
        let lost = AuditedOrder(
            id: order.id, number: "W-1", cart: order.cart, lines: order.lines, total: order.total, placedAt: Self.then, saga: nil,
            changedAt: Self.then, orderOfCart: order.id)
        #expect(Self.findings(lost).map(\.invariant) == [.deadlines])
    }

    /// Each one turns a good confirmed order into one with a single finding, of that invariant.
    static let damages: [(String, Invariant, @Sendable (inout AuditedOrder) -> Void)] = [
        ("no charge", .payments, { $0.charge = nil }),
        ("declined", .payments, { $0.charge = charge($0.id, state: "declined") }),
        ("another amount", .payments, { $0.charge = charge($0.id, amount: Money(amount: 301, currency: "EUR")) }),
        ("another currency", .payments, { $0.charge = charge($0.id, amount: Money(amount: 300, currency: "USD")) }),
        ("to be voided", .payments, { $0.charge = charge($0.id, isToBeVoided: true) }),
        ("two captures", .payments, { $0.ledger = [payment(), payment("pi_2")] }),
        ("two captures, one given back", .payments, { $0.ledger = [payment(), payment("pi_2", refunded: 300)] }),
        ("no capture", .payments, { $0.ledger = [payment(captured: 0)] }),
        ("an unknown capture", .payments, { $0.ledger = [payment("pi_2")] }),
        ("too little taken", .payments, { $0.ledger = [payment(captured: 299)] }),
        ("dollars taken", .payments, { $0.ledger = [payment(currency: "usd")] }),
        ("refunded behind its back", .payments, { $0.ledger = [payment(refunded: 300)] }),
        ("no reservation", .stock, { $0.reservation = nil }),
        ("still reserved", .stock, { $0.reservation = AuditedReservation(order: $0.id, state: "reserved", pieces: ["A": 2, "B": 1], at: then) }),
        ("other pieces", .stock, { $0.reservation = AuditedReservation(order: $0.id, state: "committed", pieces: ["A": 3], at: then) }),
        ("an open cart", .contents, { $0.orderOfCart = nil }),
        ("another's cart", .contents, { $0.orderOfCart = UUID() }),
        ("notified twice", .notifications, { $0.notifications.append(notice("orderConfirmed")) }),
        ("notified of another end", .notifications, { $0.notifications.append(notice("orderRejected")) }),
        ("not notified", .notifications, { $0.notifications = [] }),
        ("a mail that was not sent", .notifications, { $0.notifications = [notice("orderConfirmed", result: "pending")] }),
        ("a mail that was refused", .notifications, { $0.notifications = [notice("orderConfirmed", result: "failed")] }),
    ]

    @Test(arguments: damages.indices) func `an inconsistent confirmed order is reported`(place: Int) {
        let (name, invariant, damage) = Self.damages[place]
        var order = Self.order("confirmed")
        damage(&order)
        let findings = Self.findings(order)
        #expect(findings.map(\.invariant) == [invariant], "\(name)")
        #expect(findings.allSatisfy { $0.subject == "order \(order.id.text)" && $0.sentence.hasPrefix("W-1 ") })
    }

    @Test func `what was taken is compared with the total, and not only what is kept`() {
        var order = Self.order("confirmed", refunded: 100)
        order.ledger = [Self.payment(captured: 400, refunded: 200)]
        #expect(Self.findings(order).map { $0.sentence.contains("were taken") } == [true])
    }

    /// The payment state that an order reports, and the gateway's payments.
    static let untruths: [(name: String, order: AuditedOrder)] = [
        ("pending for ever", given("pending", [])),
        ("charged and refunded, reported as succeeded", given("succeeded", [payment(refunded: 300)], state: "refunded")),
        ("refunded, with nothing refunded", given("refunded", [payment(refunded: 300)], state: "refunded")),
        ("cancelled at the gateway, reported as declined", given("declined", [payment(captured: 0, status: "canceled")], state: "voided")),
        ("declined at the gateway, reported as cancelled", given("cancelled", [payment(captured: 0, status: "requires_payment_method")])),
        ("charged and kept, reported as succeeded", given("succeeded", [payment()])),
        ("reported as refunded, and nothing was ever taken", given("refunded", nil, state: "voided")),
    ]

    private static func given(_ reported: String, _ ledger: [LedgerPayment]?, state: String = "declined") -> AuditedOrder {
        var order = order("rejected", paymentState: reported)
        order.charge = charge(order.id, state: state)
        order.ledger = ledger
        return order
    }

    @Test(arguments: untruths.indices) func `an order whose payment state the gateway does not confirm is found`(place: Int) {
        let (name, order) = Self.untruths[place]
        #expect(Self.findings(order).map(\.invariant) == [.payments], "\(name)")
    }

    @Test func `an order whose payment state the gateway confirms is not found`() {
        let truths = [
            Self.given("declined", [Self.payment(captured: 0, status: "requires_payment_method")]),
            Self.given("cancelled", [Self.payment(captured: 0, status: "canceled")], state: "voided"),
            Self.given("needsOperator", [Self.payment()], state: "needsOperator"), Self.given("cancelled", nil, state: "voided"),
        ]
        for var order in truths {
            order.hasOpenPayment = order.charge?.state == "needsOperator"
            #expect(Self.findings(order) == [])
        }
        var neverCharged = Self.order("rejected", paymentState: "cancelled")
        neverCharged.charge = nil
        neverCharged.ledger = []
        #expect(Self.findings(neverCharged) == [])
    }

    @Test func `a payment that needs an operator is found unless a dead letter is open for it`() throws {
        for phase in ["rejected", "confirmed"] {
            var order = Self.order(phase, paymentState: "needsOperator")
            order.charge = Self.charge(order.id, state: "needsOperator")
            order.ledger = [Self.payment()]
            let findings = Self.findings(order)
            #expect(findings.contains { $0.invariant == .payments && $0.sentence.contains("needs an operator") }, "\(phase)")
            order.hasOpenPayment = true
            #expect(!Self.findings(order).contains { $0.sentence.contains("needs an operator") }, "\(phase)")
        }
    }

    @Test func `an order that tells of less refunded than the gateway has refunded is found`() {
        var order = Self.order("rejected", paymentState: "refunded", refunded: 100)
        order.charge = Self.charge(order.id, state: "refunded")
        order.ledger = [Self.payment(refunded: 300)]
        #expect(Self.findings(order).map(\.invariant) == [.payments])
    }

    @Test func `a rejected order whose customer was told of a confirmation is found`() {
        var order = Self.order("rejected")
        order.notifications.append(Self.notice("orderConfirmed"))
        #expect(Self.findings(order).map(\.invariant) == [.notifications])
    }

    @Test(arguments: [Repetition.Kind.number, .cart]) func `a number or a cart that several orders have is found`(kind: Repetition.Kind) {
        let finding = Repetition(kind: kind, value: "W-1", orders: ["a", "b"]).finding
        #expect(finding.invariant == .contents && finding.sentence.contains("a, b"))
        #expect(!Judge(now: Self.then, grace: 3600, backlog: .init(messages: ["orders.commands": 5])).isInFlight(finding))
    }

    @Test func `the cart of an order that was given up is open again, or another order's`() {
        var order = Self.order("rejected")
        order.orderOfCart = UUID()
        #expect(Self.findings(order) == [])
        order.orderOfCart = order.id
        #expect(Self.findings(order).map(\.invariant) == [.contents])
    }

    @Test func `the gateway keeps a payment less its refund`() {
        var order = Self.order("confirmed", refunded: 100)
        order.ledger = [Self.payment(refunded: 100)]
        #expect(Self.findings(order) == [])
        order.ledger = [Self.payment()]
        #expect(Self.findings(order).map(\.invariant) == [.payments])
    }

    @Test func `an order that costs nothing needs no capture, and two channels may announce it`() {
        var order = Self.order("confirmed", total: Money(amount: 0, currency: "EUR"))
        order.charge = Self.charge(order.id, amount: Money(amount: 0, currency: "EUR"), intent: nil)
        order.ledger = []
        order.notifications.append(Self.notice("orderConfirmed", channel: "sms"))
        #expect(Self.findings(order).map(\.invariant) == [.contents], "only its lines cost something")
    }

    @Test func `without a ledger the payment service's records count`() {
        var order = Self.order("confirmed")
        order.ledger = nil
        #expect(Self.findings(order) == [])
    }

    @Test func `a dead letter accounts for a customer who was not notified`() {
        var order = Self.order("confirmed")
        order.hasDeadNews = true
        for notifications in [[], [Self.notice("orderConfirmed", result: "failed")]] {
            order.notifications = notifications
            #expect(Self.findings(order) == [])
        }
    }

    @Test func `mail that waits for an unreachable server is a violation after five minutes, although it waits on the retry ladder`() throws {
        var order = Self.order("confirmed")
        order.notifications = [Self.notice("orderConfirmed", result: "pending")]
        let finding = try #require(Self.findings(order).first)
        let ladder = BrokerBacklog(messages: ["retry.10m.a": 310])
        #expect(Judge(now: Self.then.addingTimeInterval(299), grace: 30, backlog: ladder).isInFlight(finding))
        #expect(!Judge(now: Self.then.addingTimeInterval(301), grace: 30, backlog: ladder).isInFlight(finding))
    }

    @Test(arguments: ["begun", "requiresAction", "succeeded"]) func `a rejected order has no standing charge`(state: String) {
        var order = Self.order("rejected")
        order.charge = Self.charge(order.id, state: state)
        #expect(Self.findings(order).map(\.invariant) == [.payments])
    }

    @Test(arguments: ["reserved", "committed"]) func `a rejected order keeps no stock and no money`(state: String) {
        var order = Self.order("rejected")
        order.reservation = AuditedReservation(order: order.id, state: state, pieces: ["A": 2, "B": 1], at: Self.then)
        order.ledger = [Self.payment()]
        #expect(Set(Self.findings(order).map(\.invariant)) == [.stock, .payments])
        order = Self.order("rejected", paymentState: "refunded", refunded: 300)
        order.charge = Self.charge(order.id, state: "refunded")
        order.reservation = AuditedReservation(order: order.id, state: state, pieces: ["A": 2, "B": 1], at: Self.then)
        order.ledger = [Self.payment(refunded: 300)]
        #expect(Self.findings(order).map(\.invariant) == [.stock])
    }

    @Test(arguments: [
        StockSums(sku: "A", onHand: nil, reserved: nil, moved: 1, sold: 0, held: 0), StockSums(sku: "A", onHand: 9, reserved: 0, moved: 10, sold: 0, held: 0),
        StockSums(sku: "A", onHand: 10, reserved: 1, moved: 10, sold: 0, held: 0), StockSums(sku: "A", onHand: 1, reserved: 2, moved: 2, sold: 1, held: 2),
    ])
    func `stock that its movements and reservations do not explain is reported, and cannot be in flight`(sums: StockSums) {
        #expect(sums.findings.map(\.subject) == ["SKU A"])
        #expect(!sums.findings.contains(where: Judge(now: Self.then, grace: 3600, backlog: .init(messages: ["catalog.commands": 5])).isInFlight))
    }

    @Test func `stock is movements less sales, and reserved is the sum of reservations`() {
        #expect(StockSums(sku: "A", onHand: 7, reserved: 2, moved: 10, sold: 3, held: 2).findings == [])
    }

    @Test func `lines that do not add up to the total, or are in another currency, are reported`() throws {
        func lines(_ text: String) throws -> [OrderLine] { try JSON.decode(from: Array(text.utf8)) }
        func order(_ lines: [OrderLine]?) -> AuditedOrder {
            let good = Self.order("confirmed")
            return AuditedOrder(
                id: good.id, number: "W-1", cart: good.cart, lines: lines, total: Self.total, placedAt: Self.then, saga: good.saga, changedAt: Self.then,
                orderOfCart: good.id)
        }
        func line(_ quantity: Int, _ price: Int, _ sum: Int, _ currency: String = "EUR") -> String {
            #"{"sku": "A", "name": "A", "quantity": \#(quantity), "unitPrice": {"amount": \#(price), "currency": "\#(currency)"}, "lineTotal": {"amount": \#(sum), "currency": "EUR"}}"#
        }
        #expect(order(try lines("[\(line(3, 100, 300))]")).contentFindings == [])
        for bad in ["[]", "[\(line(2, 100, 200))]", "[\(line(3, 100, 299))]", "[\(line(3, 100, 300, "USD"))]", "[\(line(-3, -100, 300))]", "[\(line(2, Int.max, 300))]"] {
            #expect(order(try lines(bad)).contentFindings.count == 1, "\(bad)")
        }
        #expect(order(nil).contentFindings.count == 1)
    }
}
