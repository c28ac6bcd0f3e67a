import Contracts
import FoundationEssentials
import JSON
import Operator
import Terminal

/// Payments that need a decision.
struct PaymentsPage: Sendable {
    static let limit = 50

    let list: Listed<UnresolvedLine>
    let query: Form
    let now: Date

    static let routes = [Route(.get, "payments", .payments, show), Route(.get, "payments/:id/settle", .payments, confirm), Route(.post, "payments/:id/settle", .payments, settle)]

    private static func show(_ visit: Visit) async throws -> Outcome {
        let page = PaymentsPage(list: try await list(visit), query: visit.query, now: visit.now)
        return .page(Page(title: "Payments", section: .payments, content: page.markup))
    }

    private static func list(_ visit: Visit) async throws -> Listed<UnresolvedLine> {
        try await visit.services.ask(.payments, visit.query.among(["cursor"]).merging(["limit": "\(limit)"]) { $1 })
    }

    var markup: Markup {
        """
        <h1>Payments that need a decision</h1>\
        <p class="lead">Disputes, refunds that the gateway refuses for good, and money that belongs to no order. A dispute is decided by the customer's bank.</p>\
        \(table)\(Part.pager(["payments"], [:], next: list.nextCursor, isFirst: !query.has("cursor")))
        """
    }

    private var table: Markup {
        guard !list.items.isEmpty else { return Part.empty("No payment needs a decision.") }
        let rows = list.items.map { payment -> [Markup] in
            let settle: Markup = payment.kind == "dispute" ? "–" : Part.link("Settle…", Link.to(["payments", payment.id, "settle"], query: ["cursor": query["cursor"]]))
            return [
                "\(Part.code(payment.id))<span class=\"sub\">\(payment.detail.printable)</span>", Part.badge(payment.kind, payment.kind == "dispute" ? .warn : .bad),
                Part.link(payment.orderId.shortID, Link.to("checkouts", payment.orderId)), "\(payment.amount.text)", Part.age(payment.since, now), settle,
            ]
        }
        return Table(
            "Payments that need a decision",
            [.init("Payment"), .init("Kind"), .init("Order", wide: true), .init("Amount", .number), .init("Since", .number, wide: true), .init("Decision")], rows
        ).markup
    }

    /// Shows the payment as it appears on the list page that the link came from. The payments service rejects the settlement of any other payment.
    private static func confirm(_ visit: Visit) async throws -> Outcome {
        let payment = try await list(visit).items.first { $0.id == visit.id }
        return .page(confirmation(visit.id, payment).page(visit.page))
    }

    static func confirmation(_ id: String, _ payment: UnresolvedLine?) -> Confirmation {
        Confirmation(
            title: "Settle this payment by hand?", section: .payments,
            effect: Part.facts([
                ("Payment", Part.code(id)), ("Kind", payment.map { Part.badge($0.kind.printable) }), ("Amount", payment.map { "\($0.amount.text)" }),
                ("Order", payment.map { Part.link($0.orderId.shortID, Link.to("checkouts", $0.orderId)) }), ("Detail", payment.map { "\($0.detail.printable)" }),
            ]) + "<p>This records a decision made outside the gateway, by whom and why. It moves no money. A payment refunded elsewhere can no longer be refunded through the gateway.</p>",
            action: Link.to("payments", id, "settle"), button: "Record the decision", back: Section.payments.path,
            fields: Field.choice("Decision", "settlement", [("refundedElsewhere", "The customer got the money back in another way"), ("writtenOff", "No money is returned")], nil)
                + Field.text("How and why, for the record", "note", nil, extra: " required maxlength=\"500\""))
    }

    private static func settle(_ visit: Visit) async throws -> Outcome {
        let body = try JSON.encode(["settlement": visit.form["settlement"] ?? "", "note": visit.form["note"] ?? ""])
        let reply = try await visit.services.act(.settlePayment, ["id": visit.id], body)
        do {
            try await visit.services.endLetters(about: reply)
        } catch {
            return .done(.settledOnly, "payments")
        }
        return .done(.settled, "payments")
    }
}
