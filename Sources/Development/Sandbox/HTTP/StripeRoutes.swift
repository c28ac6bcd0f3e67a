import HTTPTypes
import Hummingbird

/// Stripe's API: the requests that change something.
struct StripeRoutes: Sendable {
    let ledger: PaymentLedger
    /// Added to every request, whatever the faults add.
    let latency: Duration

    func add(to routes: RouterGroup<SandboxContext>) {
        routes.post("payment_intents") { request, context in
            try await perform(request, context) { reader throws(StripeError) in try PaymentCommand.create(from: &reader) }
        }
        routes.post("payment_intents/:id/confirm") { request, context in
            let id = try context.parameters.require("id")
            return try await perform(request, context) { reader throws(StripeError) in try PaymentCommand.confirm(id, from: &reader) }
        }
        routes.post("payment_intents/:id/capture") { request, context in
            let id = try context.parameters.require("id")
            return try await perform(request, context) { reader throws(StripeError) in try PaymentCommand.capture(id, from: &reader) }
        }
        routes.post("payment_intents/:id/cancel") { request, context in
            let id = try context.parameters.require("id")
            return try await perform(request, context) { reader throws(StripeError) in try PaymentCommand.cancel(id, from: &reader) }
        }
        routes.post("refunds") { request, context in
            try await perform(request, context) { reader throws(StripeError) in try PaymentCommand.refund(from: &reader) }
        }
        routes.post("disputes/:id") { request, context in
            let id = try context.parameters.require("id")
            return try await perform(request, context) { reader throws(StripeError) in try PaymentCommand.closeDispute(id, from: &reader) }
        }
        routes.post("disputes/:id/close") { request, context in
            let id = try context.parameters.require("id")
            return try await perform(request, context) { _ throws(StripeError) in .closeDispute(id: id, .lost) }
        }
        addReads(to: routes)
    }

    /// The path of every request that changes something: its parameters are checked, its key is claimed, it is carried out
    /// and kept, and then it is answered; with a fault in between, if one is due.
    private func perform(
        _ request: Request, _ context: SandboxContext, parse: (inout ParameterReader) throws(StripeError) -> PaymentCommand
    ) async throws -> Response {
        let parameters = try await request.formBody()
        var reader = ParameterReader(parameters)
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
        let reply = try await ledger.execute(command, key: key, failingWith: failure)
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
