/// One page of a list.
struct Page<Element: Sendable>: Sendable {
    /// Stripe's default and bounds.
    static var defaultLimit: Int { 10 }
    static var limits: ClosedRange<Int> { 1...100 }

    let elements: [Element]
    let hasMore: Bool

    /// The first `limit` of `candidates`; one more is read, to see whether there are more.
    init(_ candidates: some Sequence<Element>, limit: Int) {
        let found = Array(candidates.prefix(limit + 1))
        elements = Array(found.prefix(limit))
        hasMore = found.count > limit
    }

    init(reversing page: Page) {
        (elements, hasMore) = (page.elements.reversed(), page.hasMore)
    }
}

struct RefundFilter: Sendable, Equatable {
    var paymentIntent: String?
    var startingAfter: String?
    var limit = Page<Refund>.defaultLimit
}

extension PaymentBook {
    /// The newest first. `page` is the `next_page` of the reply before.
    func search(_ query: SearchQuery, page: String?, limit: Int) throws(StripeError) -> Page<PaymentIntent> {
        let end = try end(before: page, in: payments.count, position: payments.position(of:))
        let newestFirst =
            if let order = query.orderID {
                newest(positionsByOrder[order] ?? [], before: end)
            } else {
                newest(0..<end, before: end)
            }
        return Page(newestFirst.lazy.filter(query.matches), limit: limit)
    }

    /// The newest first.
    func listRefunds(_ filter: RefundFilter) throws(StripeError) -> Page<Refund> {
        let end = try end(before: filter.startingAfter, in: refunds.count, position: refunds.position(of:))
        guard let payment = filter.paymentIntent else { return Page((0..<end).reversed().lazy.map { refunds[$0] }, limit: filter.limit) }
        let positions = (refundPositionsByPayment[payment] ?? []).reversed().lazy.filter { $0 < end }
        return Page(positions.map { refunds[$0] }, limit: filter.limit)
    }

    /// The oldest first, beginning after the payment `id`: for an auditor that walks through everything.
    func ledger(after id: String?, limit: Int) throws(StripeError) -> Page<PaymentIntent> {
        var start = 0
        if let id {
            guard let position = payments.position(of: id) else { throw .noSuch("payment_intent", id, parameter: "after", status: 400) }
            start = position + 1
        }
        return Page(payments[start...], limit: limit)
    }

    private func newest(_ positions: some BidirectionalCollection<Int>, before end: Int) -> AnySequence<PaymentIntent> {
        AnySequence(positions.reversed().lazy.filter { $0 < end }.map { payments[$0] })
    }

    private func end(before id: String?, in count: Int, position: (String) -> Int?) throws(StripeError) -> Int {
        guard let id else { return count }
        guard let position = position(id) else { throw .noSuch("object", id, parameter: "starting_after", status: 400) }
        return position
    }
}
