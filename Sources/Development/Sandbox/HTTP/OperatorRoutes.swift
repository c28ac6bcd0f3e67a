import FoundationEssentials
import HTTPTypes
import Hummingbird
import JSON

/// Routes that Stripe does not have: reading the ledger and setting faults, with the API key, and health, without.
struct OperatorRoutes: Sendable {
    static let ledgerLimits = 1...10_000
    static let defaultLedgerLimit = 1_000

    let ledger: PaymentLedger
    let key: APIKeyMiddleware

    func add(to router: Router<SandboxContext>) {
        router.get("livez") { _, _ in Response(json: Array(#"{"status":"ok"}"#.utf8)) }
        let router = router.group().add(middleware: key)
        router.get("_ledger") { request, _ in try page(request) }
        router.get("_ledger/totals") { _, _ in try totals() }
        ledger.faults.add(to: router, at: "_faults")
    }

    private func page(_ request: Request) throws(StripeError) -> Response {
        var reader = try request.queryReader()
        let after = try reader.text("after")
        let limit = try reader.integer("limit", in: Self.ledgerLimits) ?? Self.defaultLedgerLimit
        try reader.finish()
        let (page, totals) = try ledger.read { book throws(StripeError) in (try book.ledger(after: after, limit: limit), book.totals) }
        return Response(
            json: JSONWriter.object { writer in
                writer.field("payments") { $0.array(page.elements) { $1.writeLedgerLine(to: &$0) } }
                writer.field("hasMore", page.hasMore)
                writer.field("totals") { totals.write(to: &$0) }
            })
    }

    private func totals() throws(StripeError) -> Response {
        let totals = try ledger.read { $0.totals }
        var writer = JSONWriter()
        writer.object { writer in
            totals.writeFields(to: &writer)
            guard let (counts, queued) = ledger.webhookCounts else { return }
            writer.field("webhooks") { writer in
                writer.object { writer in
                    writer.field("queued", queued)
                    writer.field("delivered", counts.delivered)
                    writer.field("failedAttempts", counts.failedAttempts)
                    writer.field("abandoned", counts.abandoned)
                    writer.field("refused", counts.refused)
                }
            }
        }
        return Response(json: writer.bytes)
    }
}

extension PaymentIntent {
    fileprivate func writeLedgerLine(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("id", id)
            writer.field("orderId", orderID)
            writer.field("amount", amount)
            writer.field("currency", currency)
            writer.field("status", status.rawValue)
            writer.field("captured", amountReceived)
            writer.field("refunded", amountRefunded)
            writer.field("idempotencyKey", idempotencyKey)
            writer.field("createdAt", Date(timeIntervalSince1970: Double(created)).ISO8601Format())
        }
    }
}
