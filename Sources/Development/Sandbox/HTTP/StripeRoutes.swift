import HTTPTypes
import Hummingbird

/// Stripe's API: the requests that change something.
struct StripeRoutes: Sendable {
    let ledger: PaymentLedger
    /// The delay of every request, in addition to that of the faults.
    let latency: Duration

    func add(to routes: RouterGroup<SandboxContext>) {
        addPaying(to: routes)
        addCustomers(to: routes)
        addReads(to: routes)
    }

    private typealias Parse = @Sendable (String, inout ParameterReader) throws(StripeError) -> PaymentCommand

    private func addPaying(to routes: RouterGroup<SandboxContext>) {
        on(routes, "payment_intents", .payment) { _, reader throws(StripeError) in try .create(from: &reader) }
        on(routes, "payment_intents/:id", .payment) { id, reader throws(StripeError) in try .change(id, from: &reader) }
        on(routes, "payment_intents/:id/confirm", .payment) { id, reader throws(StripeError) in try .confirm(id, from: &reader) }
        on(routes, "payment_intents/:id/capture", .payment) { id, reader throws(StripeError) in try .capture(id, from: &reader) }
        on(routes, "payment_intents/:id/cancel", .payment) { id, reader throws(StripeError) in try .cancel(id, from: &reader) }
        on(routes, "refunds", .refund) { _, reader throws(StripeError) in try .refund(from: &reader) }
        on(routes, "refunds/:id", .refund) { id, reader throws(StripeError) in .changeRefund(id: id, try reader.metadata()) }
        on(routes, "disputes/:id", .dispute) { id, reader throws(StripeError) in try .closeDispute(id, from: &reader) }
        on(routes, "disputes/:id/close", .dispute) { id, _ throws(StripeError) in .closeDispute(id: id, .lost) }
    }

    private func addCustomers(to routes: RouterGroup<SandboxContext>) {
        on(routes, "customers", .customer) { _, reader throws(StripeError) in try .createCustomer(from: &reader) }
        on(routes, "customers/:id", .customer) { id, reader throws(StripeError) in try .changeCustomer(id, from: &reader) }
        routes.delete("customers/:id") { request, context in
            let id = try context.parameters.require("id")
            return try await perform(request, context, .customer) { _ throws(StripeError) in .deleteCustomer(id: id) }
        }
        on(routes, "payment_methods", .paymentMethod) { _, reader throws(StripeError) in try .createMethod(from: &reader) }
        on(routes, "payment_methods/:id/attach", .paymentMethod) { id, reader throws(StripeError) in
            .attach(method: id, customer: try reader.requiredText("customer"))
        }
        on(routes, "payment_methods/:id/detach", .paymentMethod) { id, _ throws(StripeError) in .detach(method: id) }
    }

    /// A POST request; `parse` receives the id in the path, or an empty string.
    private func on(_ routes: RouterGroup<SandboxContext>, _ path: RouterPath, _ kind: Expansion.Kind, _ parse: @escaping Parse) {
        routes.post(path) { request, context in
            let id = context.parameters.get("id") ?? ""
            return try await perform(request, context, kind) { reader throws(StripeError) in try parse(id, &reader) }
        }
    }

    /// The path of every request that changes something: its parameters are checked, its key is claimed, it is carried out
    /// and kept, and then it is answered; with a fault in between, if one is due.
    private func perform(
        _ request: Request, _ context: SandboxContext, _ kind: Expansion.Kind, parse: (inout ParameterReader) throws(StripeError) -> PaymentCommand
    ) async throws -> Response {
        let parameters = try await request.formBody()
        var reader = ParameterReader(parameters)
        let expand = try reader.list("expand")
        _ = try Expansion(expand, of: kind)
        let command = try parse(&reader)
        try reader.finish()
        let key = try request.idempotencyKey(for: parameters)

        let plan = ledger.faults.planRequest()
        switch plan.before {
        case .drop: return await context.drop()
        case .rateLimit: throw StripeError.rateLimited
        case .conflict: throw StripeError.keyInUse(key?.name ?? "none was sent")
        case .serverError, nil: break
        }
        if let key {
            switch ledger.claim(key) {
            case .execute: break
            case .replay(let reply): return Response(reply, to: key, isReplayed: true)
            case .refuse(let error): throw error
            }
        }
        // The key is claimed: from here to the reply no path may leave early.
        await pause(plan.latency)
        if plan.before == .serverError {
            return Response(try await ledger.refuse(with: .serverError, key: key), to: key, isReplayed: false)
        }
        let failure = plan.after == .serverError ? StripeError.serverError : nil
        let reply = try await ledger.execute(command, key: key, expand: expand, failingWith: failure)
        return plan.after == .drop ? await context.drop() : Response(reply, to: key, isReplayed: false)
    }

    /// Takes as long as a real Stripe would. A cancelled request only gets its answer sooner.
    func pause(_ added: Duration) async {
        let total = latency + added
        if total > .zero { try? await Task.sleep(for: total) }
    }
}

extension Response {
    fileprivate init(_ reply: StoredReply, to key: IdempotencyKey?, isReplayed: Bool) {
        self.init(reply)
        if let key { headers[.idempotencyKey] = key.name }
        if isReplayed { headers[.idempotentReplayed] = "true" }
    }
}
