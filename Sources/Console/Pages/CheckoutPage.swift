import Contracts
import FoundationEssentials
import JSON
import Operator
import Terminal

/// One order: its steps, what operators did, and its messages through all services.
struct CheckoutPage: Sendable {
    let report: CheckoutReport
    let now: Date

    static let routes = [Route(.get, "checkouts/:id", .checkouts, show)] + CheckoutChanges.routes

    private static func show(_ visit: Visit) async throws -> Outcome {
        let page = CheckoutPage(report: try await visit.services.ask(.checkout, ["id": visit.id]), now: visit.now)
        return .page(Page(title: "Order \(page.report.number.printable)", section: .checkouts, content: page.markup))
    }

    var markup: Markup {
        let id = report.orderId
        let links = [
            Part.link("Dead letters", Link.to("letters", query: ["order": id, "state": "all"])), Part.link("Notifications", Link.to("notifications", query: ["order": id])),
        ].joined(by: " · ")
        return """
            <header class="head"><h1>Order \(report.number.printable)</h1>\(actions)</header><p class="soft">\(links)</p>\
            \(CheckoutFacts(report: report, now: now).whole)\(steps)\(Waterfall(report: report).markup)\(operators)
            """
    }

    private var actions: Markup {
        func action(_ title: String, _ path: String) -> Markup { Part.link(title, Link.to("checkouts", report.orderId, path), class: "button") }
        // A checkout that has ended has no next step.
        let running = report.dueAt == nil ? [] : [action("Retry the step…", "retry"), action("Give up…", "compensate")]
        return "<div class=\"buttons\">\((running + [action("Assign…", "assign")]).joined(by: " "))</div>"
    }

    private var steps: Markup {
        let rows = report.timeline.map { step -> [Markup] in
            let by: Markup = step.by.map { " <span class=\"soft\">by the \($0.printable)</span>" } ?? .nothing
            return [Part.moment(step.at), Part.badge(step.state), "\(step.detail.printable)\(by)", "\(step.milliseconds.map(\.duration) ?? "–")"]
        }
        guard !rows.isEmpty else { return .nothing }
        return Part.section("Steps", Table("Steps", [.init("Time"), .init("State"), .init("What happened"), .init("Took", .number, wide: true)], rows).markup)
    }

    private var operators: Markup {
        guard !report.actions.isEmpty else { return .nothing }
        let rows = report.actions.map { action -> [Markup] in
            [Part.moment(action.at), "\(action.action.printable)", "\(action.detail?.printable ?? "")", "\(action.actor.printable)"]
        }
        return Part.section("What operators did", Table("What operators did", [.init("Time"), .init("What"), .init("Detail"), .init("Who")], rows).markup)
    }
}

/// The messages of an order, each with a bar from when it was sent to when it was handled, in proportion to the whole.
struct Waterfall: Sendable {
    /// The maximum indentation, which all deeper messages share.
    private static let maximumDepth = 8

    let report: CheckoutReport

    var markup: Markup {
        let messages = report.messages
        let times = messages.flatMap { [$0.sentAt, $0.handledAt].compactMap(\.self) }
        guard let start = times.min(), let end = times.max() else { return missing }
        let whole = max(end.timeIntervalSince(start), 0.001)
        func place(_ time: Date) -> Int { Int(exactly: (time.timeIntervalSince(start) / whole * 1_000).rounded()) ?? 0 }
        let rows = messages.map { message -> [Markup] in
            let from = place(message.sentAt ?? message.handledAt ?? end)
            let bar = Chart.span(from: from, to: place(message.handledAt ?? end), isOpen: message.handledAt == nil)
            let took: Markup = message.handledAt == nil ? Part.badge("waits", .warn) : "\(message.milliseconds.map(\.duration) ?? "–")"
            return [
                "<span class=\"depth d\(min(max(message.depth, 0), Self.maximumDepth))\">\((message.operation ?? "a request").printable)</span>", "\(message.service?.printable ?? "–")", bar,
                took, Part.code(message.id.shortID),
            ]
        }
        let total = Int(exactly: (whole * 1_000).rounded())?.duration ?? ""
        let table = Table(
            "Messages", [.init("Message"), .init("Service", wide: true), .init("Time"), .init("Took", .number), .init("Id", wide: true)], rows)
        return Part.section("Messages", "<p class=\"soft\">\(messages.count) in \(total), from \(Part.moment(start)).</p><div class=\"waterfall\">\(table.markup)</div>\(missing)")
    }

    private var missing: Markup {
        report.unanswered.isEmpty ? .nothing : Part.note("<p>No answer from \(report.unanswered.joined(separator: ", ").printable): their messages are missing.</p>", .warn)
    }
}
