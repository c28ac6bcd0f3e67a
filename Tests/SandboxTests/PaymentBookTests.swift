import Testing

@testable import Sandbox

@Suite("The payment book")
struct PaymentBookTests {
    static func draft(_ amount: Int = 1_000, order: String = "o-1", card: String? = "pm_card_visa", customer: String? = nil) -> PaymentDraft {
        PaymentDraft(
            amount: amount, currency: "eur", paymentMethod: card, customer: customer, metadata: ["order_id": order], confirm: card != nil)
    }

    @Test("returns the events that Stripe sends for every outcome, in Stripe's order, the creation first")
    func events() {
        var book = PaymentBook()
        let kinds: [String: [WebhookEvent.Kind]] = [
            "pm_card_visa": [.created, .chargeSucceeded, .succeeded, .chargeUpdated],
            "pm_card_chargeDeclined": [.created, .chargeFailed, .paymentFailed],
            "pm_card_threeDSecure2Required": [.created, .requiresAction],
            "pm_card_createDispute": [.created, .chargeSucceeded, .succeeded, .chargeUpdated, .disputed, .disputeWithdrawn],
        ]
        for (card, kinds) in kinds {
            #expect(book.apply(.create(Self.draft(card: card)), idempotencyKey: nil, now: 5).events.map(\.kind) == kinds)
        }
        let unconfirmed = book.apply(.create(Self.draft(card: nil)), idempotencyKey: nil, now: 5)
        #expect(unconfirmed.events.map(\.kind) == [.created])
        let id = unconfirmed.payment?.id ?? ""
        #expect(book.apply(.cancel(id: id, nil), idempotencyKey: nil, now: 6).events.map(\.kind) == [.canceled])
    }

    @Test("reports a payment's creation as it was then, with no card and no error")
    func creation() {
        var book = PaymentBook()
        for card in ["pm_card_visa", "pm_card_chargeDeclined", "pm_card_threeDSecure2Required"] {
            let created = book.apply(.create(Self.draft(card: card)), idempotencyKey: nil, now: 5).payment?.asCreated
            #expect(created?.status == .requiresPaymentMethod)
            #expect(created?.lastFailure == nil && created?.card == nil && created?.amountReceived == 0)
        }
    }

    @Test("permanently refuses to refund a disputed charge")
    func dispute() {
        var book = PaymentBook()
        let id = book.apply(.create(Self.draft(card: "pm_card_createDispute")), idempotencyKey: nil, now: 5).payment?.id ?? ""
        guard case .failure(let error) = book.apply(.refund(RefundDraft(paymentIntent: id)), idempotencyKey: nil, now: 6).reply else {
            return #expect(Bool(false), "it was refunded")
        }
        #expect(error.code == "charge_disputed" && error.status == 400)
    }

    @Test("refuses unknown ids, and changes nothing")
    func unknown() {
        var book = PaymentBook()
        let commands: [(PaymentCommand, Int)] = [
            (.confirm(id: "pi_x", .init()), 404), (.capture(id: "pi_x", amount: nil), 404), (.cancel(id: "pi_x", nil), 404),
            (.authenticate(id: "pi_x", .fail), 404), (.refund(RefundDraft(paymentIntent: "pi_x")), 400),
            (.create(Self.draft(card: "pm_card_unheardOf")), 400), (.create(Self.draft(customer: "cus_x")), 400),
            (.change(id: "pi_x", .init()), 404), (.changeCustomer(id: "cus_x", .init()), 404), (.deleteCustomer(id: "cus_x"), 404),
            (.attach(method: "pm_card_visa", customer: "cus_x"), 400), (.detach(method: "pm_x"), 404), (.refund(RefundDraft(paymentIntent: "ch_x")), 400),
        ]
        for (command, status) in commands {
            let outcome = book.apply(command, idempotencyKey: nil, now: 1)
            #expect(outcome.storedReply(publicURL: "").status == status)
            guard case .failure(let error) = outcome.reply else { return #expect(Bool(false), "\(command) was not refused") }
            #expect(error.code == "resource_missing")
        }
        #expect(book.payments.isEmpty)
    }

    @Test("keeps totals, and names the orders that were charged twice")
    func totals() {
        var book = PaymentBook()
        let first = book.apply(.create(Self.draft(700, order: "a")), idempotencyKey: nil, now: 1)
        _ = book.apply(.create(Self.draft(300, order: "b")), idempotencyKey: nil, now: 1)
        _ = book.apply(.create(Self.draft(300, order: "b", card: "pm_card_chargeDeclined")), idempotencyKey: nil, now: 1)
        #expect(book.totals.ordersCapturedMoreThanOnce.isEmpty)
        _ = book.apply(.create(Self.draft(50, order: "a")), idempotencyKey: nil, now: 1)
        _ = book.apply(.refund(RefundDraft(paymentIntent: first.payment?.id ?? "", amount: 200)), idempotencyKey: nil, now: 2)
        #expect(book.totals.intents == 4)
        #expect(book.totals.succeeded == 3)
        #expect(book.totals.capturedAmount == 1_050)
        #expect(book.totals.refundedAmount == 200)
        #expect(book.totals.ordersCapturedMoreThanOnce == ["a"])
    }

    @Test("lists the newest first, page by page")
    func list() throws {
        var book = PaymentBook()
        let customer = try #require(book.apply(.createCustomer(.init()), idempotencyKey: nil, now: 1).customer?.id)
        for second in 1...5 {
            _ = book.apply(.create(Self.draft(customer: second == 3 ? customer : nil)), idempotencyKey: nil, now: second)
        }
        let first = try book.listPayments(ListQuery(limit: 2))
        #expect(first.elements.map(\.created) == [5, 4])
        #expect(first.hasMore)
        let second = try book.listPayments(ListQuery(startingAfter: first.elements.last?.id, limit: 3))
        #expect(second.elements.map(\.created) == [3, 2, 1])
        #expect(!second.hasMore)
        #expect(try book.listPayments(ListQuery(created: 2...3)).elements.map(\.created) == [3, 2])
        #expect(try book.listPayments(ListQuery(filters: ["customer": customer])).elements.map(\.created) == [3])
        #expect(throws: StripeError.self) { try book.listPayments(ListQuery(startingAfter: "pi_x")) }
        #expect(try book.ledger(after: second.elements.last?.id, limit: 2).elements.map(\.created) == [2, 3])
    }

    @Test("finds payments by their metadata and status")
    func search() throws {
        var book = PaymentBook()
        _ = book.apply(.create(Self.draft(order: "it's")), idempotencyKey: nil, now: 1)
        _ = book.apply(.create(Self.draft(order: "it's", card: nil)), idempotencyKey: nil, now: 2)
        _ = book.apply(.create(Self.draft(order: "b")), idempotencyKey: nil, now: 3)
        func found(_ query: String) throws -> [Int] {
            try book.search(SearchQuery(parsing: query), page: nil, limit: 10).elements.map(\.created)
        }
        #expect(try found(#"metadata['order_id']:'it\'s'"#) == [2, 1])
        #expect(try found(#"metadata["order_id"]:"it's" AND status:"succeeded""#) == [1])
        #expect(try found("status:'succeeded'") == [3, 1])
        #expect(try found("metadata['order_id']:'c'").isEmpty)
    }

    @Test(
        "does not guess what a malformed search means",
        arguments: [
            "", "order_id:'1'", "metadata[order_id]:'1'", "metadata['a']:'1", "status:'paid'", "status:'succeeded' OR status:'canceled'",
        ])
    func malformedSearch(query: String) {
        let error = #expect(throws: StripeError.self) { try SearchQuery(parsing: query) }
        #expect(error?.parameter == "query")
    }

    @Test("ignores a state that is older than the one it has")
    func revisions() {
        var book = PaymentBook()
        let created = book.apply(.create(Self.draft(card: nil)), idempotencyKey: nil, now: 1)
        let canceled = book.apply(.cancel(id: created.payment?.id ?? "", nil), idempotencyKey: nil, now: 2)
        var restored = PaymentBook()
        restored.store(canceled)
        restored.store(created)
        #expect(restored.payments == book.payments)
    }
}
