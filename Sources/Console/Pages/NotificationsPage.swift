import Contracts
import FoundationEssentials
import Operator
import Terminal

/// Mails and text messages, newest first.
struct NotificationsPage: Sendable {
    static let limit = 50
    private static let filters = ["order", "result", "kind", "channel", "recipient"]

    let list: Listed<NotificationLine>
    let query: Form
    let now: Date

    static let routes = [
        Route(.get, "notifications", .notifications, show), Route(.get, "notifications/:id/resend", .notifications, confirm),
        Route(.post, "notifications/:id/resend", .notifications) { visit in
            try await visit.services.act(.resendNotification, ["id": visit.id])
            return .done(.resent, "notifications")
        },
    ]

    private static func show(_ visit: Visit) async throws -> Outcome {
        let page = NotificationsPage(list: try await list(visit), query: visit.query, now: visit.now)
        return .page(Page(title: "Notifications", section: .notifications, content: page.markup))
    }

    private static func list(_ visit: Visit) async throws -> Listed<NotificationLine> {
        try await visit.services.ask(.notifications, visit.query.among(filters + ["cursor"]).merging(["limit": "\(limit)"]) { $1 })
    }

    var markup: Markup {
        let filter = Field.filter(
            Link.to("notifications"), label: "Notifications",
            Field.text("Order", "order", query["order"], hint: "id")
                + Field.choice("Result", "result", [("", "any"), ("pending", "pending"), ("sent", "sent"), ("failed", "failed")], query["result"])
                + Field.choice("Channel", "channel", [("", "any"), ("email", "email"), ("sms", "sms")], query["channel"])
                + Field.text("Kind", "kind", query["kind"], hint: "orderConfirmed") + Field.text("Recipient", "recipient", query["recipient"], hint: "whole address"))
        let pager = Part.pager(["notifications"], query.among(Self.filters), next: list.nextCursor, isFirst: !query.has("cursor"))
        return "<h1>Notifications</h1>\(filter)\(table)\(pager)"
    }

    private var table: Markup {
        guard !list.items.isEmpty else { return Part.empty("No notification matches.") }
        let rows = list.items.map { item -> [Markup] in
            let detail: Markup = item.detail.map { "<span class=\"sub\">\($0.printable)</span>" } ?? .nothing
            let repeats: Markup = item.requestedBy.map { "<span class=\"sub\">sent again for \($0.printable)</span>" } ?? .nothing
            let here = query.among(Self.filters + ["cursor"])
            let again: Markup = item.orderId == nil || item.result == "pending" ? "–" : Part.link("Send again…", Link.to(["notifications", item.id, "resend"], query: here))
            return [
                "<span class=\"title\">\(item.kind.printable)</span><span class=\"sub\">\(item.recipient.printable) · \(item.channel.printable)</span>\(repeats)",
                item.orderId.map { Part.link($0.shortID, Link.to("checkouts", $0)) } ?? "–", "\(Self.result(item))\(detail)", "\(Self.delivery(item))",
                Part.age(item.createdAt, now), again,
            ]
        }
        return Table(
            "Notifications",
            [.init("Notification"), .init("Order", wide: true), .init("Result"), .init("Delivery", wide: true), .init("Age", .number), .init("Action", wide: false)], rows
        ).markup
    }

    private static func result(_ item: NotificationLine) -> Markup {
        Part.badge(item.result, item.result == "failed" ? .bad : item.result == "sent" ? .good : .plain)
    }

    private static func delivery(_ item: NotificationLine) -> Markup {
        if let unreachable = item.unreachable { return Part.badge(unreachable.cause.printable, .bad) + "<span class=\"sub\">\(unreachable.detail.printable)</span>" }
        guard let delivery = item.delivery else { return "–" }
        return Part.badge(delivery.state.printable, delivery.state == "delivered" ? .good : .bad) + (delivery.detail.map { "<span class=\"sub\">\($0.printable)</span>" } ?? .nothing)
    }

    /// Shows the notification as it appears on the list page that the link came from.
    private static func confirm(_ visit: Visit) async throws -> Outcome {
        let item = try await list(visit).items.first { $0.id == visit.id }
        return .page(confirmation(visit.id, item).page(visit.page))
    }

    static func confirmation(_ id: String, _ item: NotificationLine?) -> Confirmation {
        Confirmation(
            title: "Send this notification again?", section: .notifications,
            effect: Part.facts([
                ("Kind", item.map { "\($0.kind.printable)" }), ("Channel", item.map { "\($0.channel.printable)" }), ("It went to", item.map { "\($0.recipient.printable)" }),
                ("Order", item?.orderId.map { Part.link($0.shortID, Link.to("checkouts", $0)) }),
            ]) + "<p>The current content goes to the order's current address, which may differ from the one above. The list shows it as a separate notification.</p>",
            action: Link.to("notifications", id, "resend"), button: "Send again", back: Link.to("notifications", query: ["order": item?.orderId]))
    }
}
