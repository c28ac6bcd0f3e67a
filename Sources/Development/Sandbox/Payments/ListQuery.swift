import JSON

/// The parameters of every list at Stripe: a page, from either end, and a range of times.
struct ListQuery: Sendable, Equatable {
    var created: ClosedRange<Int> = 0...Int.max
    /// The page begins after this object, with older ones.
    var startingAfter: String?
    /// The page ends before this object, with newer ones.
    var endingBefore: String?
    var limit = Page<PaymentIntent>.defaultLimit
    /// The list's own filters, by name.
    var filters: [String: String] = [:]

    init(
        created: ClosedRange<Int> = 0...Int.max, startingAfter: String? = nil, endingBefore: String? = nil, limit: Int = Page<PaymentIntent>.defaultLimit,
        filters: [String: String] = [:]
    ) {
        self.created = created
        self.startingAfter = startingAfter
        self.endingBefore = endingBefore
        self.limit = limit
        self.filters = filters
    }

    init(from reader: inout ParameterReader, filters names: [String]) throws(StripeError) {
        limit = try reader.integer("limit", in: Page<PaymentIntent>.limits) ?? limit
        startingAfter = try reader.text("starting_after")
        endingBefore = try reader.text("ending_before")
        if startingAfter != nil, endingBefore != nil {
            throw .invalidRequest("You may only specify one of these parameters: ending_before, starting_after.")
        }
        created = try Self.createdRange(from: &reader)
        for name in names { filters[name] = try reader.text(name) }
    }

    /// `created[gte]`, `created[gt]`, `created[lte]`, `created[lt]`, or `created` itself.
    private static func createdRange(from reader: inout ParameterReader) throws(StripeError) -> ClosedRange<Int> {
        let seconds = 0...Int(Int32.max) * 2
        let exact = try reader.integer("created", in: seconds)
        let lower = [try reader.integer("created[gte]", in: seconds), try reader.integer("created[gt]", in: seconds).map { $0 + 1 }, exact]
        let upper = [try reader.integer("created[lte]", in: seconds), try reader.integer("created[lt]", in: seconds).map { $0 - 1 }, exact]
        let from = lower.compactMap(\.self).max() ?? 0
        let to = upper.compactMap(\.self).min() ?? .max
        guard from <= to else { throw .invalidRequest("Invalid created: the range is empty.", parameter: "created") }
        return from...to
    }
}

/// A page of objects that write themselves.
struct ShownPage: Sendable {
    typealias Write = @Sendable (inout JSONWriter, Showing) -> Void

    let elements: [Write]
    let hasMore: Bool

    init<Element>(_ page: Page<Element>, _ write: @escaping @Sendable (Element, inout JSONWriter, Showing) -> Void) {
        elements = page.elements.map { element in { write(element, &$0, $1) } }
        hasMore = page.hasMore
    }
}

private struct ShownCharge: Sendable {
    let payment: PaymentIntent
    let attempt: ChargeAttempt
}

extension PaymentBook {
    /// The most by which the journal may have reordered payments that were made at the same time.
    private static let orderSlackSeconds = 60

    func listPayments(_ query: ListQuery) throws(StripeError) -> Page<PaymentIntent> {
        let customer = query.filters["customer"]
        // Creation times fall by no more than the slack, so the first one that is older than that ends the walk.
        let oldest = query.created.lowerBound - Self.orderSlackSeconds
        return try page(
            payments.count, query, position: payments.position(of:), "payment_intent", { customer == nil || payments[$0].customer == customer ? [payments[$0]] : [] },
            id: \.id, created: \.created, until: { $0.created < oldest })
    }

    func listCharges(_ query: ListQuery) throws(StripeError) -> ShownPage {
        let (payment, customer) = (query.filters["payment_intent"], query.filters["customer"])
        let page: Page<ShownCharge> = try page(
            payments.count, query, position: { self.payment(ofCharge: $0).flatMap { self.payments.position(of: $0.id) } }, "charge",
            { place in
                let one = payments[place]
                guard payment == nil || one.id == payment, customer == nil || one.customer == customer else { return [] }
                return one.attempts.reversed().map { ShownCharge(payment: one, attempt: $0) }
            }, id: { $0.attempt.id }, created: { $0.attempt.created })
        return ShownPage(page) { one, writer, showing in one.payment.write(one.attempt, to: &writer, showing) }
    }

    func listRefunds(_ query: ListQuery) throws(StripeError) -> ShownPage {
        let payment = query.filters["charge"].map { self.payment(ofCharge: $0)?.id ?? "" } ?? query.filters["payment_intent"]
        if let payment, query.endingBefore == nil, query.created == 0...Int.max {
            let page = try listRefunds(RefundFilter(paymentIntent: payment, startingAfter: query.startingAfter, limit: query.limit))
            return ShownPage(page) { one, writer, showing in one.write(to: &writer, showing) }
        }
        let page = try page(
            refunds.count, query, position: refunds.position(of:), "refund", { payment == nil || refunds[$0].paymentIntent == payment ? [refunds[$0]] : [] },
            id: \.id, created: \.created)
        return ShownPage(page) { one, writer, showing in one.write(to: &writer, showing) }
    }

    func listDisputes(_ query: ListQuery) throws(StripeError) -> ShownPage {
        let payment = query.filters["charge"].map { self.payment(ofCharge: $0)?.id ?? "" } ?? query.filters["payment_intent"]
        let page: Page<PaymentIntent>
        if let payment {
            page = Page([self.payment(payment)].compactMap(\.self).filter(\.isDisputed), limit: query.limit)
        } else {
            page = try self.page(
                payments.count, query, position: { self.payments.position(of: String($0.dropFirst(3))) }, "dispute", { payments[$0].isDisputed ? [payments[$0]] : [] },
                id: \.disputeID, created: \.created)
        }
        return ShownPage(page) { one, writer, showing in one.writeDispute(to: &writer, showing) }
    }

    func listTransactions(_ query: ListQuery) throws(StripeError) -> ShownPage {
        let (source, kind) = (query.filters["source"], query.filters["type"])
        let page = try page(
            transactions.count, query, position: transactions.position(of:), "balance_transaction",
            { place in
                let one = transactions[place]
                return (source == nil || one.source == source) && (kind == nil || one.kind.rawValue == kind) ? [one] : []
            }, id: \.id, created: \.created)
        let now = now
        return ShownPage(page) { one, writer, _ in one.write(to: &writer, at: now) }
    }

    func listCustomers(_ query: ListQuery) throws(StripeError) -> ShownPage {
        let email = query.filters["email"]
        let page = try page(
            customers.count, query, position: customers.position(of:), "customer",
            { customers[$0].isDeleted || (email != nil && customers[$0].email != email) ? [] : [customers[$0]] }, id: \.id, created: \.created)
        return ShownPage(page) { one, writer, _ in one.write(to: &writer) }
    }

    /// The payment methods of a customer; without a customer, the list is empty.
    func listMethods(_ query: ListQuery) throws(StripeError) -> ShownPage {
        let (owner, type) = (query.filters["customer"], query.filters["type"])
        if let owner, customer(owner)?.isDeleted ?? true { throw .noSuch("customer", owner, parameter: "customer") }
        let page = try page(
            methods.count, query, position: methods.position(of:), "payment_method",
            { owner != nil && methods[$0].customer == owner && (type == nil || methods[$0].card.type == type) ? [methods[$0]] : [] }, id: \.id, created: \.created)
        return ShownPage(page) { one, writer, _ in one.write(to: &writer) }
    }

    /// The newest first, whichever end the page begins at. Each place holds some objects, the newest first, or none that the filters let through.
    ///
    /// - Parameter isOver: Whether nothing that is listed after this one can belong to the page.
    private func page<Element: Sendable>(
        _ count: Int, _ query: ListQuery, position: (String) -> Int?, _ name: String, _ elements: @escaping (Int) -> [Element], id: @escaping (Element) -> String, created: @escaping (Element) -> Int,
        until isOver: @escaping (Element) -> Bool = { _ in false }
    ) throws(StripeError) -> Page<Element> {
        if let before = query.endingBefore {
            guard let place = position(before) else { throw .noSuch(name, before, parameter: "ending_before", status: 400) }
            let newer = (place..<count).lazy.flatMap { elements($0).reversed() }.drop { id($0) != before }.dropFirst()
            return Page(reversing: Page(newer.filter { query.created.contains(created($0)) }, limit: query.limit))
        }
        guard let after = query.startingAfter else {
            let all = (0..<count).reversed().lazy.flatMap(elements).prefix { !isOver($0) }
            return Page(all.filter { query.created.contains(created($0)) }, limit: query.limit)
        }
        guard let place = position(after) else { throw .noSuch(name, after, parameter: "starting_after", status: 400) }
        let older = (0...place).reversed().lazy.flatMap(elements).drop { id($0) != after }.dropFirst().prefix { !isOver($0) }
        return Page(older.filter { query.created.contains(created($0)) }, limit: query.limit)
    }
}
