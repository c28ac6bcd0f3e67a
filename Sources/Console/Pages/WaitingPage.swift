import Contracts
import FoundationEssentials
import Operator
import Terminal

/// Messages on the retry ladder: their causes, and single messages, the next to return first.
struct WaitingPage: Sendable {
    static let limit = 50
    private static let filters = ["service", "operation", "cause", "queue", "order", "id"]

    let list: WaitingList
    let query: Form
    let serviceNames: [String]
    let now: Date

    static let routes = [
        Route(.get, "waiting", .waiting, show), Route(.get, "waiting/send", .waiting, confirm), Route(.post, "waiting/send", .waiting, send),
    ]

    private static func show(_ visit: Visit) async throws -> Outcome {
        let parameters = visit.query.among(filters + ["cursor"]).merging(["limit": "\(limit)"]) { $1 }
        let page = WaitingPage(list: try await visit.services.ask(.waiting, parameters), query: visit.query, serviceNames: visit.serviceNames, now: visit.now)
        return .page(Page(title: "Waiting", section: .waiting, content: page.markup))
    }

    var markup: Markup {
        """
        <h1>Waiting</h1>\
        <p class="lead">Messages that failed and wait for their next attempt. Each returns to its queue at its time; a copy can be sent now.</p>\
        \(filterForm)\(causes)\(messages)\(pager)
        """
    }

    private var filterForm: Markup {
        Field.filter(
            Link.to("waiting"), label: "Waiting messages",
            Field.choice("Service", "service", [("", "any")] + serviceNames.map { ($0, $0) }, query["service"])
                + Field.text("Operation", "operation", query["operation"], hint: "order.confirmed") + Field.text("Cause", "cause", query["cause"], hint: "mail-not-sent")
                + Field.text("Queue", "queue", query["queue"], hint: "notifications.commands") + Field.text("Order", "order", query["order"], hint: "id"))
    }

    private var pager: Markup {
        Part.pager(["waiting"], query.among(Self.filters), next: list.nextCursor, isFirst: !query.has("cursor"))
    }

    private var causes: Markup {
        guard let causes = list.causes, !causes.isEmpty else { return .nothing }
        let rows = causes.map { cause -> [Markup] in
            let fields = narrowed(to: cause)
            let place = (cause.operation ?? cause.service).printable
            let canSend = cause.operation != nil && cause.sent < cause.count
            let send: Markup = canSend ? Part.link("Send now…", Link.to(["waiting", "send"], query: fields)) : "–"
            return [
                "\(Part.link(cause.cause.printable, Link.to(["waiting"], query: fields), class: "title"))<span class=\"sub\">\(place): \(cause.text.printable)</span>",
                "\(cause.count)", "\(cause.sent)", "\(cause.orders)", Part.age(cause.since, now), Part.until(cause.nextDueAt, now), send,
            ]
        }
        let table = Table(
            "Causes",
            [
                .init("Cause"), .init("Messages", .number), .init("Sent now", .number, wide: true), .init("Orders", .number, wide: true), .init("Since", .number, wide: true),
                .init("Next returns in", .number), .init("Action"),
            ], rows)
        return Part.section("Causes", table.markup)
    }

    /// The filter of this page, narrowed to one cause.
    private func narrowed(to cause: WaitingCause) -> [String: String] {
        var fields = query.among(Self.filters)
        fields["service"] = cause.service
        fields["operation"] = cause.operation
        fields["cause"] = cause.cause
        return fields
    }

    private var messages: Markup {
        guard !list.items.isEmpty else { return Part.empty("No waiting message matches.") }
        let rows = list.items.map { message -> [Markup] in
            let order: Markup = message.orderId.map { Part.link((message.orderNumber ?? $0.shortID).printable, Link.to("checkouts", $0)) } ?? "–"
            return [
                """
                <span class="title">\((message.operation ?? message.queue).printable)</span>\
                <span class="sub">\(message.cause.printable): \(message.detail.printable)</span>
                """,
                order, "\(message.attempt)", Part.age(message.since, now), Part.until(message.dueAt, now), action(on: message),
            ]
        }
        let table = Table(
            "Messages",
            [
                .init("Message"), .init("Order", wide: true), .init("Attempts", .number, wide: true), .init("Since", .number, wide: true), .init("Returns in", .number),
                .init("Action"),
            ], rows)
        return Part.section("Messages", table.markup)
    }

    private func action(on message: WaitingLine) -> Markup {
        if message.sentAt != nil { return Part.badge("sent now", .accent) }
        guard message.isSendable else { return "–" }
        var fields = query.among(Self.filters)
        fields["id"] = message.id
        return Part.link("Send now…", Link.to(["waiting", "send"], query: fields))
    }

    // MARK: Sending

    private static func confirm(_ visit: Visit) async throws -> Outcome {
        let filter = try chosen(visit.query)
        return .page(confirmation(filter, try await visit.services.sendWaiting(filter, dryRun: true)).page(visit.page))
    }

    private static func send(_ visit: Visit) async throws -> Outcome {
        let filter = try chosen(visit.form)
        let selection = try await visit.services.sendWaiting(filter, dryRun: false)
        return .redirect(source(of: filter, selection.selected > 0 ? .sent : .noneSent))
    }

    /// The filter of a cause or of a message. Without either of them it would select all messages.
    private static func chosen(_ form: Form) throws -> [String: String] {
        let filter = form.among(filters)
        guard filter["cause"] != nil || filter["id"] != nil else { throw InvalidForm("Choose a cause or a message.") }
        return filter
    }

    /// The list from which the messages were chosen.
    private static func source(of filter: [String: String], _ notice: Notice? = nil) -> String {
        var fields = filter
        fields["id"] = nil
        fields[Notice.field] = notice?.rawValue
        return Link.to(["waiting"], query: fields)
    }

    static func confirmation(_ filter: [String: String], _ selection: WaitingSelection) -> Confirmation {
        let rows = selection.byCause.map { cause in
            ["\(cause.cause.printable)", Part.code(cause.operation ?? cause.service), "\(cause.count)"] as [Markup]
        }
        let causes =
            rows.isEmpty
            ? Part.empty("No message that can be sent now matches, so there is nothing to do.")
            : Table("Causes", [.init("Cause"), .init("Operation"), .init("Messages", .number)], rows).markup
        let facts = Part.facts([("Selects", "\(filter.phrase(selecting: "messages"))"), ("Messages", "\(selection.selected)"), ("Orders", "\(selection.orders)")])
        let text: Markup = """
            <p>A copy of each message goes to its queue under the same id, so the service handles only one of the copy and the original, which returns as scheduled. \
            A copy that fails is dropped, and its message is listed as waiting again. If the original returns within a minute, its copy makes no external call, \
            such as sending a mail. Messages that match when you confirm are included.</p>
            """
        return Confirmation(
            title: selection.selected == 1 ? "Send 1 message now?" : "Send \(selection.selected) messages now?", section: .waiting, effect: facts + causes + text,
            action: Link.to("waiting", "send"), button: "Send now", back: source(of: filter), fields: Field.hidden(filter))
    }
}
