import Hummingbird

/// Stripe's API: the requests that only read.
extension StripeRoutes {
    func addReads(to routes: RouterGroup<SandboxContext>) {
        routes.get("payment_intents") { request, context in try await answer(context) { try listPayments(request) } }
        routes.get("payment_intents/search") { request, context in try await answer(context) { try searchPayments(request) } }
        routes.get("payment_intents/:id") { request, context in
            try await answer(context) {
                let id = try context.parameters.require("id")
                var reader = try request.queryReader()
                let expanded = try Self.expanded(&reader, of: ["latest_charge", "latest_charge.refunds"])
                try reader.finish()
                guard let payment = try ledger.read({ $0.payment(id) }) else {
                    throw StripeError.noSuch("payment_intent", id, parameter: "intent")
                }
                let refunds = try ledger.read { book throws(StripeError) in try book.listRefunds(RefundFilter(paymentIntent: id)) }
                var writer = JSONWriter()
                payment.write(
                    to: &writer, publicURL: ledger.address, expandsCharge: !expanded.isEmpty,
                    refunds: expanded.contains("latest_charge.refunds") ? refunds : nil)
                return writer.bytes
            }
        }
        routes.get("disputes") { request, context in try await answer(context) { try listDisputes(request) } }
        routes.get("disputes/:id") { _, context in
            try await answer(context) {
                let id = try context.parameters.require("id")
                let payment = try ledger.read { book throws(StripeError) in try book.disputed(id) }
                var writer = JSONWriter()
                payment.writeDispute(to: &writer)
                return writer.bytes
            }
        }
        routes.get("events") { request, context in try await answer(context) { try listEvents(request) } }
        routes.get("events/:id") { _, context in
            try await answer(context) {
                let id = try context.parameters.require("id")
                guard let entry = try ledger.events({ $0[id] }) else { throw StripeError.noSuch("event", id, parameter: "id") }
                return entry.body
            }
        }
        routes.get("refunds") { request, context in try await answer(context) { try listRefunds(request) } }
        routes.get("refunds/:id") { request, context in
            try await answer(context) {
                let id = try context.parameters.require("id")
                guard let refund = try ledger.read({ $0.refund(id) }) else { throw StripeError.noSuch("refund", id, parameter: "refund") }
                var writer = JSONWriter()
                refund.write(to: &writer)
                return writer.bytes
            }
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

    private func listPayments(_ request: Request) throws(StripeError) -> [UInt8] {
        var reader = try request.queryReader()
        var filter = PaymentFilter()
        filter.limit = try reader.integer("limit", in: Page<PaymentIntent>.limits) ?? filter.limit
        filter.startingAfter = try reader.text("starting_after")
        filter.customer = try reader.text("customer")
        filter.created = try Self.createdRange(from: &reader)
        let expandsCharge = try !Self.expanded(&reader, of: ["data.latest_charge"]).isEmpty
        try reader.finish()
        let page = try ledger.read { book throws(StripeError) in try book.list(filter) }
        let address = ledger.address
        return Self.list(page, url: "/v1/payment_intents") { $1.write(to: &$0, publicURL: address, expandsCharge: expandsCharge) }
    }

    private func searchPayments(_ request: Request) throws(StripeError) -> [UInt8] {
        var reader = try request.queryReader()
        let query = try SearchQuery(parsing: try reader.requiredText("query"))
        let limit = try reader.integer("limit", in: Page<PaymentIntent>.limits) ?? Page<PaymentIntent>.defaultLimit
        let after = try reader.text("page")
        let expandsCharge = try !Self.expanded(&reader, of: ["data.latest_charge"]).isEmpty
        try reader.finish()
        let page = try ledger.read { book throws(StripeError) in try book.search(query, page: after, limit: limit) }
        let address = ledger.address
        return JSONWriter.object { writer in
            writer.field("object", "search_result")
            writer.field("url", "/v1/payment_intents/search")
            writer.field("has_more", page.hasMore)
            writer.field("next_page", page.hasMore ? page.elements.last?.id : nil)
            writer.field("data") { $0.array(page.elements) { $1.write(to: &$0, publicURL: address, expandsCharge: expandsCharge) } }
        }
    }

    private func listRefunds(_ request: Request) throws(StripeError) -> [UInt8] {
        var reader = try request.queryReader()
        var filter = RefundFilter()
        filter.limit = try reader.integer("limit", in: Page<Refund>.limits) ?? filter.limit
        filter.startingAfter = try reader.text("starting_after")
        filter.paymentIntent = try reader.text("payment_intent")
        try reader.finish()
        let page = try ledger.read { book throws(StripeError) in try book.listRefunds(filter) }
        return Self.list(page, url: "/v1/refunds") { $1.write(to: &$0) }
    }

    private func listEvents(_ request: Request) throws(StripeError) -> [UInt8] {
        var reader = try request.queryReader()
        var filter = EventLog.Filter()
        filter.limit = try reader.integer("limit", in: Page<EventLog.Entry>.limits) ?? filter.limit
        filter.startingAfter = try reader.text("starting_after")
        filter.endingBefore = try reader.text("ending_before")
        filter.types = Set(try reader.list("types") + [try reader.text("type")].compactMap(\.self))
        filter.created = try Self.createdRange(from: &reader)
        try reader.finish()
        let page = try ledger.events { log throws(StripeError) in try log.list(filter) }
        return Self.list(page, url: "/v1/events") { $0.raw($1.body) }
    }

    /// The disputes of one payment; the sandbox has no other list of disputes.
    private func listDisputes(_ request: Request) throws(StripeError) -> [UInt8] {
        var reader = try request.queryReader()
        let id = try reader.requiredText("payment_intent")
        let limit = try reader.integer("limit", in: Page<PaymentIntent>.limits) ?? Page<PaymentIntent>.defaultLimit
        try reader.finish()
        let payment = try ledger.read { $0.payment(id) }
        let page = Page([payment].compactMap(\.self).filter(\.isDisputed), limit: limit)
        return Self.list(page, url: "/v1/disputes") { $1.writeDispute(to: &$0) }
    }

    /// `expand[]`: these can be expanded; the refunds of a charge with the charge.
    private static func expanded(_ reader: inout ParameterReader, of names: Set<String>) throws(StripeError) -> Set<String> {
        let expanded = Set(try reader.list("expand"))
        if let unknown = expanded.subtracting(names).sorted().first {
            throw .invalidRequest("This property cannot be expanded (\(unknown)).", parameter: "expand")
        }
        return expanded
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

    private static func list<Element>(
        _ page: Page<Element>, url: String, _ write: (inout JSONWriter, Element) -> Void
    ) -> [UInt8] {
        JSONWriter.object { writer in
            writer.field("object", "list")
            writer.field("url", url)
            writer.field("has_more", page.hasMore)
            writer.field("data") { $0.array(page.elements, write) }
        }
    }
}
