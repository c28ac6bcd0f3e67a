import FoundationEssentials
import HTTPTypes
import Hummingbird
import JSON

/// Routes that PayPal does not have: the ledger, faults, and events that the shop does not cause. They need the sandbox's key.
struct PayPalOperatorRoutes: Sendable {
    static let ledgerLimits = 1...10_000
    static let maximumLost = 1_000

    let ledger: PayPalLedger

    private struct Outcome: Decodable {
        let outcome: String
    }

    private struct Losses: Decodable {
        let next: Int
    }

    func add(to routes: RouterGroup<SandboxContext>) {
        routes.get("ledger") { request, _ in
            let after = request.uri.queryParameters["after"].map(String.init)
            let limit = request.uri.queryParameters["limit"].flatMap { Int($0) } ?? 1_000
            guard Self.ledgerLimits.contains(limit) else { return Response(PayPalError.invalid("INVALID_PARAMETER_VALUE", "limit is out of range").reply) }
            return page(after: after, limit: limit)
        }
        routes.get("orders/:id") { _, context in
            let id = try context.parameters.require("id")
            guard let payment = try ledger.read({ book throws(PayPalError) in book[id] }) else { return Response(PayPalError.notFound.reply) }
            return Response(
                json: JSONWriter.object { writer in
                    writer.field("orderId", payment.custom)
                    writer.field("status", payment.status.rawValue)
                    writer.field("captureId", payment.capture?.id)
                })
        }
        ledger.faults.add(to: routes, at: "faults")
        routes.delete("tokens") { _, _ in
            ledger.revokeTokens()
            return Response(status: .noContent)
        }
        routes.put("lost-webhooks") { request, _ in
            let losses: Losses = try await body(request)
            ledger.lose(min(max(losses.next, 0), Self.maximumLost))
            return Response(status: .noContent)
        }
        routes.post("captures/:id/settlement") { request, context in
            let (id, outcome) = (try context.parameters.require("id"), try await outcome(request))
            return try await change { book, now throws(PayPalError) in try book.settleCapture(id, isCompleted: outcome == "complete", now: now) }
        }
        routes.post("captures/:id/refund") { request, context in
            let id = try context.parameters.require("id")
            let draft: PayPalRefundDraft = try await body(request)
            return try await change { book, now throws(PayPalError) in try book.refund(draft, of: id, now: now) }
        }
        routes.post("captures/:id/dispute") { request, context in
            let (id, reason) = (try context.parameters.require("id"), try await outcome(request))
            return try await change { book, now throws(PayPalError) in try book.dispute(id, reason: reason, now: now) }
        }
        routes.post("refunds/:id/settlement") { request, context in
            let (id, outcome) = (try context.parameters.require("id"), try await outcome(request))
            return try await change { book, now throws(PayPalError) in try book.settleRefund(id, isCompleted: outcome == "complete", now: now) }
        }
        routes.post("disputes/:id/resolution") { request, context in
            let (id, outcome) = (try context.parameters.require("id"), try await outcome(request))
            return try await change { book, now throws(PayPalError) in try book.resolve(id, outcome: outcome, now: now) }
        }
    }

    private func page(after: String?, limit: Int) -> Response {
        let lines: [PayPalPayment]
        let hasMore: Bool
        do throws(PayPalError) {
            (lines, hasMore) = try ledger.read { book throws(PayPalError) in
                let rest = after.map { after in book.ids.drop { $0 != after }.dropFirst() } ?? book.ids[...]
                return (rest.prefix(limit).compactMap { book[$0] }, rest.count > limit)
            }
        } catch {
            return Response(error.reply)
        }
        return Response(
            json: JSONWriter.object { writer in
                writer.field("payments") { $0.array(lines) { $1.writeLedgerLine(to: &$0) } }
                writer.field("hasMore", hasMore)
            })
    }

    private func change(_ change: (inout PayPalBook, Int) throws(PayPalError) -> PayPalBook.Change) async throws -> Response {
        do {
            let payment = try await ledger.change(change)
            var writer = JSONWriter()
            payment.write(to: &writer, address: ledger.url)
            return Response(json: writer.bytes)
        } catch let error as PayPalError {
            return Response(error.reply)
        }
    }

    private func outcome(_ request: Request) async throws -> String {
        let body: Outcome = try await body(request)
        return body.outcome
    }

    private func body<Body: Decodable>(_ request: Request) async throws -> Body {
        guard let body = try? JSONDecoder().decode(Body.self, from: Data(try await request.bodyBytes())) else {
            throw StripeError.invalidRequest("The body is not the expected JSON.")
        }
        return body
    }
}
