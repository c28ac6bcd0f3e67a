import Contracts
import FoundationEssentials
import Operator
import Terminal

/// Checkouts that have not ended.
struct CheckoutsPage: Sendable {
    static let limit = 50
    static let states = ["reserving", "charging", "awaitingCustomer", "booked", "confirming", "voiding", "releasing", "reopening"]

    let list: Listed<CheckoutLine>
    let query: Form
    let now: Date

    static let routes = [Route(.get, "checkouts", .checkouts, show), Route(.get, "find", .checkouts, find)]

    private static func show(_ visit: Visit) async throws -> Outcome {
        let parameters = visit.query.among(["state", "stuck", "olderThan", "cursor"]).merging(["limit": "\(limit)"]) { $1 }
        let page = CheckoutsPage(list: try await visit.services.ask(.checkouts, parameters), query: visit.query, now: visit.now)
        return .page(Page(title: "Checkouts", section: .checkouts, content: page.markup))
    }

    /// Redirects to the order with the given number or id.
    private static func find(_ visit: Visit) async throws -> Outcome {
        guard let text = visit.query["order"] else { return .redirect(Section.checkouts.path) }
        if UUID(uuidString: text) != nil { return .redirect(Link.to("checkouts", text.lowercased())) }
        struct Order: Decodable, Sendable { let id: String }
        let found: Listed<Order> = try await visit.services.ask(.orders, ["number": text, "limit": "1"])
        if let order = found.items.first { return .redirect(Link.to("checkouts", order.id)) }
        return .page(Page(status: 404, title: "No such order", section: .checkouts, content: "<h1>No such order</h1><p>There is no order \(text.printable).</p>"))
    }

    var markup: Markup {
        let filter = Field.filter(
            Link.to("checkouts"), label: "Checkouts",
            Field.choice("Waits for", "state", [("", "any step")] + Self.states.map { ($0, $0) }, query["state"])
                + Field.text("Older than", "olderThan", query["olderThan"], hint: "15m") + Field.check("Stuck", "stuck", query["stuck"] == "true"))
        let pager = Part.pager(
            ["checkouts"], query.among(["state", "stuck", "olderThan"]), next: list.nextCursor, isFirst: !query.has("cursor"))
        return "<h1>Checkouts</h1><p class=\"lead\">Orders whose checkout has not ended, oldest first.</p>\(filter)\(table)\(pager)"
    }

    private var table: Markup {
        guard !list.items.isEmpty else { return Part.empty("No running checkout matches.") }
        let rows = list.items.map { checkout -> [Markup] in
            [
                Part.link(checkout.number.printable, Link.to("checkouts", checkout.orderId), class: "title"), CheckoutFacts.state(checkout.state, isStuck: checkout.isStuck),
                "\(checkout.retries)", Part.age(checkout.placedAt, now), "\(checkout.paymentState.printable)", "\(checkout.total.text)",
                "\(checkout.assignee?.printable ?? "–")", "\(checkout.email.printable)",
            ]
        }
        return Table(
            "Checkouts",
            [
                .init("Order"), .init("Waits for"), .init("Repeats", .number, wide: true), .init("Age", .number), .init("Payment", wide: true), .init("Total", .number),
                .init("Assigned to", wide: true), .init("Customer", wide: true),
            ], rows
        ).markup
    }
}
