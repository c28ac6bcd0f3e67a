import Testing

@testable import Sandbox

/// PayPal's payments, as the journal brings them back.
@Suite struct PayPalBookTests {
    private static let created = PayPalPayment(
        id: "P", status: .payerActionRequired, custom: "order-1", invoice: "I", reference: "default", description: nil, amount: PayPalMoney(currency: "EUR", units: 1_999),
        returnURL: nil, cancelURL: nil, hasSource: true, created: 1, updated: 1)

    /// Each state of a payment that is declined once, then captured, refunded in two parts, and disputed.
    private func history() throws -> [PayPalPayment] {
        var book = PayPalBook()
        var states = [try book.create(Self.created).payment]
        states.append(try book.choose(.decline, of: "P", now: 2).payment)
        #expect(throws: PayPalError.self) { try book.capture("P", now: 3) }
        states.append(try book.choose(.approve, of: "P", now: 4).payment)
        states.append(try book.capture("P", now: 5).payment)
        let capture = try #require(states.last?.capture?.id)
        for units in ["5.00", "2.50"] {
            let draft = PayPalRefundDraft(amount: PayPalMoney.Given(currency: "EUR", value: units))
            states.append(try book.refund(draft, of: capture, now: 6).payment)
        }
        states.append(try book.dispute(capture, reason: "OTHER", now: 7).payment)
        #expect(book["P"] == states.last)
        return states
    }

    @Test func `whatever the order of the journal's entries, the newest state of a payment is restored`() throws {
        let states = try history()
        let newest = try #require(states.last)
        for first in states.indices {
            var book = PayPalBook()
            // Each order begins with another state; the newest stands at every place in turn.
            for state in states[first...] + states[..<first] { book.restore(state) }
            #expect(book["P"] == newest)
            #expect(book.ids == ["P"])
            #expect(book.payment(ofDispute: newest.dispute?.id ?? "") == newest)
        }
        var backwards = PayPalBook()
        for state in states.reversed() { backwards.restore(state) }
        #expect(backwards["P"] == newest)
    }

    @Test func `entries of a journal without revisions count in the order of the file`() throws {
        var book = PayPalBook()
        for var state in try history() {
            state.revision = nil
            book.restore(state)
            #expect(book["P"] == state)
        }
    }
}
