import Contracts
import FoundationEssentials
import JSON
import Operator
import Terminal

/// Retries, gives up or assigns one order, after a confirmation.
enum CheckoutChanges {
    static let routes = [
        Route(.get, "checkouts/:id/retry", .checkouts) { visit in
            try await ask(visit, "retry") { report in
                (
                    "Retry \(report.step)?",
                    "<p>The message of this step is sent again at once. Services act once for each order, so this is safe if the step is only slow.</p>",
                    "Retry", .accent, .nothing
                )
            }
        },
        Route(.post, "checkouts/:id/retry", .checkouts) { visit in
            try await visit.services.act(.retryCheckout, ["id": visit.id])
            return .done(.retried, "checkouts", visit.id)
        },
        Route(.get, "checkouts/:id/compensate", .checkouts) { visit in
            try await ask(visit, "compensate") { report in
                (
                    "Give up order \(report.name)?",
                    "<p>The payment of \(report.payment.total.text) is cancelled or refunded, the stock is released, the cart opens again, and \(report.customer.email.printable) is notified.</p>",
                    "Give up", .bad, Field.text("Reason, shown in the order's history", "reason", nil, extra: " maxlength=\"500\"")
                )
            }
        },
        Route(.post, "checkouts/:id/compensate", .checkouts) { visit in
            let body = try visit.form["reason"].map { try JSON.encode(["reason": $0]) } ?? []
            try await visit.services.act(.compensateCheckout, ["id": visit.id], body)
            return .done(.compensated, "checkouts", visit.id)
        },
        Route(.get, "checkouts/:id/assign", .checkouts) { visit in
            let person = visit.person.email
            return try await ask(visit, "assign") { report in
                let current = report.assignment.map { "assigned to \($0.assignee.printable)" } ?? "unassigned"
                return (
                    "Assign order \(report.name)?", "<p>The order is \(current). The assignment does not change the order itself.</p>", "Assign", .accent,
                    Field.text("Operator; empty to remove the assignment", "assignee", report.assignment?.assignee ?? person, extra: " maxlength=\"100\"")
                )
            }
        },
        Route(.post, "checkouts/:id/assign", .checkouts) { visit in
            try await visit.services.act(.assignCheckout, ["id": visit.id], try JSON.encode(["assignee": visit.form["assignee"]]))
            return .done(.assigned, "checkouts", visit.id)
        },
    ]

    private typealias Question = (title: String, effect: Markup, button: String, tone: Tone, fields: Markup)

    private static func ask(_ visit: Visit, _ path: String, _ question: @Sendable (CheckoutReport) -> Question) async throws -> Outcome {
        let report: CheckoutReport = try await visit.services.ask(.checkout, ["id": visit.id])
        let question = question(report)
        let confirmation = Confirmation(
            title: question.title, section: .checkouts, effect: CheckoutFacts(report: report, now: visit.now).brief + question.effect,
            action: Link.to("checkouts", report.orderId, path), button: question.button, tone: question.tone, back: Link.to("checkouts", report.orderId), fields: question.fields)
        return .page(confirmation.page(visit.page))
    }
}
