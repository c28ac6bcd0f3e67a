import Hummingbird
import JSON

/// Stripe's API: the requests that only read.
extension StripeRoutes {
    func addReads(to routes: RouterGroup<SandboxContext>) {
        addPaymentReads(to: routes)
        addCustomerReads(to: routes)
        routes.get("events") { request, context in try await answer(context) { try listEvents(request) } }
        routes.get("events/:id") { _, context in
            try await answer(context) {
                let id = try context.parameters.require("id")
                guard let entry = try ledger.events({ $0[id] }) else { throw StripeError.noSuch("event", id, parameter: "id") }
                return entry.body
            }
        }
    }

    private func addPaymentReads(to routes: RouterGroup<SandboxContext>) {
        list(routes, "payment_intents", .payment, filters: ["customer"]) { book, query throws(StripeError) in
            ShownPage(try book.listPayments(query)) { one, writer, showing in one.write(to: &writer, showing) }
        }
        routes.get("payment_intents/search") { request, context in try await answer(context) { try searchPayments(request) } }
        one(routes, "payment_intents/:id", .payment, "payment_intent", parameter: "intent") { book, id, writer, showing in book.write(payment: id, to: &writer, showing) }
        list(routes, "charges", .charge, filters: ["payment_intent", "customer"]) { book, query throws(StripeError) in try book.listCharges(query) }
        one(routes, "charges/:id", .charge, "charge") { book, id, writer, showing in book.write(charge: id, to: &writer, showing) }
        list(routes, "refunds", .refund, filters: ["payment_intent", "charge"]) { book, query throws(StripeError) in try book.listRefunds(query) }
        one(routes, "refunds/:id", .refund, "refund") { book, id, writer, showing in
            guard let refund = book.refund(id) else { return false }
            refund.write(to: &writer, showing)
            return true
        }
        list(routes, "disputes", .dispute, filters: ["payment_intent", "charge"]) { book, query throws(StripeError) in try book.listDisputes(query) }
        one(routes, "disputes/:id", .dispute, "dispute") { book, id, writer, showing in
            guard let payment = try? book.disputed(id) else { return false }
            payment.writeDispute(to: &writer, showing)
            return true
        }
        list(routes, "balance_transactions", .balanceTransaction, filters: ["source", "type"]) { book, query throws(StripeError) in try book.listTransactions(query) }
        one(routes, "balance_transactions/:id", .balanceTransaction, "balance_transaction") { book, id, writer, _ in book.write(transaction: id, to: &writer) }
    }

    private func addCustomerReads(to routes: RouterGroup<SandboxContext>) {
        list(routes, "customers", .customer, filters: ["email"]) { book, query throws(StripeError) in try book.listCustomers(query) }
        one(routes, "customers/:id", .customer, "customer") { book, id, writer, _ in book.write(customer: id, to: &writer) }
        list(routes, "payment_methods", .paymentMethod, filters: ["customer", "type"]) { book, query throws(StripeError) in try book.listMethods(query) }
        list(routes, "customers/:id/payment_methods", .paymentMethod, filters: ["type"]) { book, query throws(StripeError) in try book.listMethods(query) }
        one(routes, "payment_methods/:id", .paymentMethod, "PaymentMethod", parameter: "payment_method") { book, id, writer, _ in
            guard let method = book.method(id) else { return false }
            method.write(to: &writer)
            return true
        }
    }

    /// Reads are subject to faults too: delays, lost connections, 429 and 500.
    private func answer(_ context: SandboxContext, _ content: () throws -> [UInt8]) async throws -> Response {
        let plan = ledger.faults.planRequest()
        await pause(plan.latency)
        switch plan.before {
        case .drop: return await context.drop()
        case .rateLimit: throw StripeError.rateLimited
        case .serverError: throw StripeError.serverError
        case .conflict, nil: break
        }
        if plan.after == .serverError { throw StripeError.serverError }
        return Response(json: try content())
    }

    /// Adds a route that returns one object. `write` returns false if no object has the id.
    private func one(
        _ routes: RouterGroup<SandboxContext>, _ path: RouterPath, _ kind: Expansion.Kind, _ name: String, parameter: String = "id",
        _ write: @escaping @Sendable (PaymentBook, String, inout JSONWriter, Showing) -> Bool
    ) {
        routes.get(path) { request, context in
            try await answer(context) {
                let id = try context.parameters.require("id")
                var reader = try request.queryReader()
                let expansion = try Expansion(try reader.list("expand"), of: kind)
                // A browser may use it to read its own payment.
                _ = try reader.text("client_secret")
                try reader.finish()
                let address = ledger.address
                let bytes = try ledger.read { book -> [UInt8]? in
                    var writer = JSONWriter()
                    return write(book, id, &writer, Showing(publicURL: address, expansion: expansion, book: book)) ? writer.bytes : nil
                }
                guard let bytes else { throw StripeError.noSuch(name, id, parameter: parameter) }
                return bytes
            }
        }
    }

    /// Adds a route that returns a list. It accepts `filters` in addition to the parameters that all lists have.
    private func list(
        _ routes: RouterGroup<SandboxContext>, _ path: RouterPath, _ kind: Expansion.Kind, filters: [String],
        _ read: @escaping @Sendable (PaymentBook, ListQuery) throws(StripeError) -> ShownPage
    ) {
        routes.get(path) { request, context in
            try await answer(context) {
                var reader = try request.queryReader()
                var query = try ListQuery(from: &reader, filters: filters)
                if let id = context.parameters.get("id") { query.filters["customer"] = id }
                let expansion = try Expansion(try reader.list("expand"), of: kind, inList: true)
                try reader.finish()
                let address = ledger.address
                return try ledger.read { book throws(StripeError) in
                    let page = try read(book, query)
                    return Self.list(page.elements, hasMore: page.hasMore, url: request.uri.path) { writer, write in
                        write(&writer, Showing(publicURL: address, expansion: expansion, book: book))
                    }
                }
            }
        }
    }

    private func searchPayments(_ request: Request) throws(StripeError) -> [UInt8] {
        var reader = try request.queryReader()
        let query = try SearchQuery(parsing: try reader.requiredText("query"))
        let limit = try reader.integer("limit", in: Page<PaymentIntent>.limits) ?? Page<PaymentIntent>.defaultLimit
        let after = try reader.text("page")
        let expansion = try Expansion(try reader.list("expand"), of: .payment, inList: true)
        try reader.finish()
        let address = ledger.address
        return try ledger.read { book throws(StripeError) in
            let page = try book.search(query, page: after, limit: limit)
            return JSONWriter.object { writer in
                writer.field("object", "search_result")
                writer.field("url", "/v1/payment_intents/search")
                writer.field("has_more", page.hasMore)
                writer.field("next_page", page.hasMore ? page.elements.last?.id : nil)
                writer.field("data") { $0.array(page.elements) { $1.write(to: &$0, Showing(publicURL: address, expansion: expansion, book: book)) } }
            }
        }
    }

    private func listEvents(_ request: Request) throws(StripeError) -> [UInt8] {
        var reader = try request.queryReader()
        var filter = EventLog.Filter()
        let query = try ListQuery(from: &reader, filters: ["type"])
        (filter.limit, filter.startingAfter, filter.endingBefore, filter.created) = (query.limit, query.startingAfter, query.endingBefore, query.created)
        let types = try reader.list("types")
        guard types.count <= EventLog.maximumTypes else {
            throw .invalidRequest("You can pass at most \(EventLog.maximumTypes) types.", parameter: "types")
        }
        filter.types = Set(types + [query.filters["type"]].compactMap(\.self))
        try reader.finish()
        let page = try ledger.events { log throws(StripeError) in try log.list(filter) }
        return Self.list(page.elements, hasMore: page.hasMore, url: "/v1/events") { $0.raw($1.body) }
    }

    private static func list<Element>(
        _ elements: [Element], hasMore: Bool, url: String, _ write: (inout JSONWriter, Element) -> Void
    ) -> [UInt8] {
        JSONWriter.object { writer in
            writer.field("object", "list")
            writer.field("url", url)
            writer.field("has_more", hasMore)
            writer.field("data") { $0.array(elements, write) }
        }
    }
}
