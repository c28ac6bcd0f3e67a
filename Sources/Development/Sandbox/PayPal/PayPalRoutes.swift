import FoundationEssentials
import HTTPTypes
import Hummingbird
import JSON
import Secrets

/// PayPal's API: tokens, orders, captures, refunds, disputes and the certificate of its webhooks.
struct PayPalRoutes: Sendable {
    let ledger: PayPalLedger
    /// The delay of every request, in addition to that of the faults.
    let latency: Duration

    func add(to router: Router<SandboxContext>) {
        router.post("v1/oauth2/token") { request, context in try await token(request, context) }
        router.get("v1/notifications/certs/:name") { _, context in
            guard try context.parameters.require("name") == ledger.certificateName else { return Response(PayPalError.notFound.reply) }
            return Response(status: .ok, headers: [.contentType: "application/x-pem-file"], body: ResponseBody(byteBuffer: ByteBuffer(bytes: ledger.certificate)))
        }
        router.post("v2/checkout/orders") { request, context in
            try await change(request, context) { bytes throws(PayPalError) in
                let draft: PayPalOrderDraft = try PayPalRequests.read(bytes)
                return { book, now throws(PayPalError) in try book.create(try draft.payment(now: now)) }
            } showing: {
                $1.write(to: &$0, address: ledger.url, minimal: $2)
            }
        }
        router.post("v2/checkout/orders/:id/capture") { request, context in
            let id = try context.parameters.require("id")
            return try await change(request, context) { _ throws(PayPalError) in
                { book, now throws(PayPalError) in try book.capture(id, now: now) }
            } showing: {
                $1.write(to: &$0, address: ledger.url, minimal: $2)
            }
        }
        router.post("v2/payments/captures/:id/refund") { request, context in
            let id = try context.parameters.require("id")
            return try await change(request, context) { bytes throws(PayPalError) in
                let draft: PayPalRefundDraft = bytes.isEmpty ? PayPalRefundDraft() : try PayPalRequests.read(bytes)
                return { book, now throws(PayPalError) in try book.refund(draft, of: id, now: now) }
            } showing: { writer, payment, _ in
                guard let refund = payment.refunds.last else { return writer.null() }
                payment.writeRefund(refund, to: &writer, address: ledger.url)
            }
        }
        addReads(to: router)
    }

    private func addReads(to router: Router<SandboxContext>) {
        router.get("v2/checkout/orders/:id") { request, context in
            let id = try context.parameters.require("id")
            return try await read(request, context) { book throws(PayPalError) in
                let payment = try book.known(id, ledger.now())
                return { payment.write(to: &$0, address: ledger.url) }
            }
        }
        router.get("v2/payments/captures/:id") { request, context in
            let id = try context.parameters.require("id")
            return try await read(request, context) { book throws(PayPalError) in
                guard let payment = book.payment(ofCapture: id) else { throw PayPalError.notFound }
                return { payment.writeCapture(to: &$0, address: ledger.url, withOrder: true) }
            }
        }
        router.get("v2/payments/refunds/:id") { request, context in
            let id = try context.parameters.require("id")
            return try await read(request, context) { book throws(PayPalError) in
                guard let payment = book.payment(ofRefund: id), let refund = payment.refunds.first(where: { $0.id == id }) else { throw PayPalError.notFound }
                return { payment.writeRefund(refund, to: &$0, address: ledger.url) }
            }
        }
        router.get("v1/customer/disputes") { request, context in
            let capture = request.uri.queryParameters["disputed_transaction_id"].map(String.init) ?? ""
            return try await read(request, context) { book throws(PayPalError) in
                let found = book.payment(ofCapture: capture).flatMap { $0.dispute == nil ? nil : $0 }
                return { writer in
                    writer.object { $0.field("items") { $0.array([found].compactMap(\.self)) { $1.writeDispute(to: &$0, listed: true) } } }
                }
            }
        }
        router.get("v1/customer/disputes/:id") { request, context in
            let id = try context.parameters.require("id")
            return try await read(request, context) { book throws(PayPalError) in
                guard let payment = book.payment(ofDispute: id) else { throw PayPalError.notFound }
                return { payment.writeDispute(to: &$0) }
            }
        }
    }

    private typealias Change = (inout PayPalBook, Int) throws(PayPalError) -> PayPalBook.Change

    /// Handles every request that changes something: checks it, carries it out or replays it, and answers it, with a fault in between if one is due.
    private func change(
        _ request: Request, _ context: SandboxContext, _ parse: ([UInt8]) throws(PayPalError) -> Change,
        showing write: (inout JSONWriter, PayPalPayment, Bool) -> Void
    ) async throws -> Response {
        guard isAuthorized(request) else { return Response(PayPalError.unauthorized.reply) }
        let body = try await request.bodyBytes()
        let plan = ledger.faults.planRequest()
        switch plan.before {
        case .drop: return await context.drop()
        case .rateLimit: return Response(PayPalError.rateLimited.reply)
        case .conflict: return Response(PayPalError.conflict.reply)
        case .serverError: return Response(PayPalError.serverError.reply)
        case nil: break
        }
        await pause(plan.latency)
        let reply: StoredReply
        do {
            let change = try parse(body)
            let isMinimal = request.headers[.prefer] != "return=representation"
            let fingerprint = "\(request.uri.path) \(SHA256.hex(body))"
            reply = try await ledger.perform(
                request.headers[.payPalRequestID], fingerprint,
                reply: { payment in
                    var writer = JSONWriter()
                    write(&writer, payment, isMinimal)
                    return StoredReply(status: 201, body: writer.bytes)
                }, change)
        } catch let error as PayPalError {
            reply = error.reply
        }
        switch plan.after {
        case .drop: return await context.drop()
        case .serverError: return Response(PayPalError.serverError.reply)
        case nil: return Response(reply)
        }
    }

    private func read(
        _ request: Request, _ context: SandboxContext, _ query: @Sendable (PayPalBook) throws(PayPalError) -> @Sendable (inout JSONWriter) -> Void
    ) async throws -> Response {
        guard isAuthorized(request) else { return Response(PayPalError.unauthorized.reply) }
        let plan = ledger.faults.planRequest()
        switch plan.before ?? (plan.after == nil ? nil : .drop) {
        case .drop: return await context.drop()
        case .rateLimit: return Response(PayPalError.rateLimited.reply)
        case .conflict, .serverError: return Response(PayPalError.serverError.reply)
        case nil: break
        }
        await pause(plan.latency)
        do throws(PayPalError) {
            var writer = JSONWriter()
            try ledger.read(query)(&writer)
            return Response(json: writer.bytes)
        } catch {
            return Response(error.reply)
        }
    }

    private func token(_ request: Request, _ context: SandboxContext) async throws -> Response {
        let expected = Base64.encode(Array("\(ledger.account.clientID):\(ledger.account.clientSecret)".utf8))
        guard let given = request.headers[.authorization], constantTimeEquals(Array(given.utf8), Array("Basic \(expected)".utf8)) else {
            let body = JSONWriter.object { writer in
                writer.field("error", "invalid_client")
                writer.field("error_description", "Client Authentication failed")
            }
            return Response(json: body, status: .unauthorized)
        }
        guard try await request.formBody().entries.contains(where: { $0.name == "grant_type" && $0.value == "client_credentials" }) else {
            return Response(json: JSONWriter.object { $0.field("error", "unsupported_grant_type") }, status: .badRequest)
        }
        await pause(.zero)
        return Response(
            json: JSONWriter.object { writer in
                writer.field("scope", "https://uri.paypal.com/services/payments/payment")
                writer.field("access_token", ledger.grant())
                writer.field("token_type", "Bearer")
                writer.field("app_id", "APP-80W284485P519543T")
                writer.field("expires_in", ledger.account.tokenLife)
            })
    }

    private func isAuthorized(_ request: Request) -> Bool {
        let parts = (request.headers[.authorization] ?? "").split(separator: " ", maxSplits: 1)
        guard let scheme = parts.first, scheme.lowercased() == "bearer", let token = parts.dropFirst().first else { return false }
        return ledger.admits(String(token))
    }

    private func pause(_ added: Duration) async {
        let total = latency + added
        if total > .zero { try? await Task.sleep(for: total) }
    }
}

extension HTTPField.Name {
    static let prefer = HTTPField.Name.named("Prefer")
    static let payPalRequestID = HTTPField.Name.named("PayPal-Request-Id")
}
