import Contracts
import FoundationEssentials
import Operator
import Terminal

/// The facts about one order.
struct CheckoutFacts: Sendable {
    let report: CheckoutReport
    let now: Date

    /// State, customer and money.
    var brief: Markup { Part.facts(main) }

    var whole: Markup {
        Part.facts(
            main + [
                ("Placed", Part.moment(report.placedAt)), ("Repeats the step at", report.dueAt.map(Part.moment)), ("Gives up after", report.dueAt.map { _ in Part.moment(report.deadline) }),
                ("Assigned to", report.assignment.map { "\($0.assignee.printable) <span class=\"soft\">by \($0.by.printable)</span>" }), ("Id", Part.code(report.orderId)),
            ])
    }

    private var main: [(String, Markup?)] {
        let refunded: Markup = report.payment.refunded.amount > 0 ? ", \(report.payment.refunded.text) refunded" : .nothing
        let reason: Markup = report.reason.map { " <span class=\"soft\">\($0.printable)</span>" } ?? .nothing
        let repeats: Markup = report.retries > 0 ? " <span class=\"soft\">requested \(report.retries + 1) times</span>" : .nothing
        let customer: Markup = report.customer.id.map { " \(Part.code($0))" } ?? " <span class=\"soft\">a guest</span>"
        return [
            ("Order", Part.badge(report.orderState) + reason), ("Checkout", Self.state(report.state, isStuck: report.isStuck) + repeats),
            ("Payment", "\(report.payment.state.printable) by \(report.payment.gateway.printable), <strong>\(report.payment.total.text)</strong>\(refunded)"),
            ("Customer", "\(report.customer.name.printable) · \(report.customer.email.printable)\(customer)"),
        ]
    }

    static func state(_ state: String, isStuck: Bool) -> Markup {
        Part.badge(state, isStuck ? .bad : .plain) + (isStuck ? " \(Part.badge("stuck", .bad))" : .nothing)
    }
}
