import Contracts
import FoundationEssentials
import Operator
import Terminal

/// Letters that a filter selects.
struct LettersPage: Sendable {
    static let limit = 50
    static let states = ["open", "replayed", "handled", "discarded", "all"]

    let list: Listed<Letter>
    let filter: LetterSelection
    let cursor: String?
    let serviceNames: [String]
    let now: Date

    static let routes = [Route(.get, "letters", .letters, show)]

    private static func show(_ visit: Visit) async throws -> Outcome {
        let filter = LetterSelection(visit.query)
        var parameters = filter.parameters(at: visit.now).merging(["limit": "\(limit)", "state": filter.state]) { $1 }
        parameters["cursor"] = visit.query["cursor"]
        let page = LettersPage(
            list: try await visit.services.ask(.letters, parameters), filter: filter, cursor: visit.query["cursor"], serviceNames: visit.serviceNames, now: visit.now)
        return .page(Page(title: "Dead letters", section: .letters, content: page.markup))
    }

    var markup: Markup { "<h1>Dead letters</h1>\(filterForm)\(bulk)\(table)\(pager)" }

    private var filterForm: Markup {
        let values = filter.fields
        let more = ["queue", "header", "group", "since", "until"]
        let isOpen: Markup = more.contains { values[$0] != nil } ? " open" : .nothing
        return Field.filter(
            Link.to("letters"), label: "Dead letters",
            Field.choice("State", "state", Self.states.map { ($0, $0) }, filter.state)
                + Field.choice("Service", "service", [("", "any")] + serviceNames.map { ($0, $0) }, values["service"])
                + Field.text("Operation", "operation", values["operation"], hint: "payments.charge") + Field.text("Cause", "cause", values["cause"], hint: "malformed-message")
                + Field.text("Order", "order", values["order"], hint: "id") + Field.text("Text in the body", "text", values["text"], hint: "W-000042"),
            more: "<details class=\"more\"\(isOpen)><summary>More</summary><div>\(moreFields(values))</div></details>")
    }

    private func moreFields(_ values: [String: String]) -> Markup {
        Field.text("Queue", "queue", values["queue"], hint: "payments.commands") + Field.text("Header", "header", values["header"], hint: "name:value")
            + Field.text("Group", "group", values["group"], hint: "id") + Field.text("Seen since", "since", values["since"], hint: "2h or 2026-01-15T09:00:00Z")
            + Field.text("Seen before", "until", values["until"], hint: "15m")
    }

    /// The actions on all letters that the filter selects.
    private var bulk: Markup {
        guard !list.items.isEmpty else { return .nothing }
        let decisions: [LetterDecision] = filter.state == "open" ? [.replay, .discard] : filter.state == "discarded" ? [.restore] : []
        guard !decisions.isEmpty else { return .nothing }
        let links = decisions.map { decision in
            Part.link("\(decision.title) all…", Link.to("jobs", "new", query: filter.fields.merging(["action": decision.rawValue]) { $1 }), class: "button")
        }
        return "<p class=\"bulk\"><span class=\"soft\">All that match:</span> \(links.joined(by: " "))</p>"
    }

    private var pager: Markup {
        Part.pager(["letters"], filter.fields.merging(["state": filter.state]) { $1 }, next: list.nextCursor, isFirst: cursor == nil)
    }

    private var table: Markup {
        guard !list.items.isEmpty else { return Part.empty("No dead letter matches.") }
        return Self.table(list.items, now)
    }

    static func table(_ letters: [Letter], _ now: Date) -> Markup {
        let rows = letters.map { letter -> [Markup] in
            [
                "\(Part.link((letter.operation ?? letter.queue).printable, Link.to("letters", letter.id), class: "title"))<span class=\"sub\">\(letter.cause.printable): \(letter.detail.printable)</span>",
                order(letter), state(letter), "\(letter.attempts ?? 0)", Part.age(letter.firstFailedAt ?? letter.firstSeenAt, now), Part.age(letter.lastSeenAt, now),
            ]
        }
        return Table(
            "Dead letters",
            [
                .init("Letter"), .init("Order", wide: true), .init("State"), .init("Attempts", .number, wide: true), .init("First failed", .number, wide: true),
                .init("Last seen", .number),
            ], rows
        ).markup
    }

    private static func order(_ letter: Letter) -> Markup {
        guard let id = letter.orderId else { return "–" }
        return Part.link(letter.orderNumber ?? id.shortID, Link.to("checkouts", id))
    }

    static func state(_ letter: Letter) -> Markup {
        let tone: Tone =
            switch letter.state {
            case "open": .bad
            case "handled": .good
            case "replayed": .accent
            default: .plain
            }
        return Part.badge(letter.state, tone) + (letter.edited == true ? " \(Part.badge("edited", .warn))" : .nothing)
    }
}

/// A filter of letters, as the administrator wrote it.
struct LetterSelection: Sendable {
    private static let names = ["service", "operation", "queue", "cause", "group", "order", "since", "until", "header", "text"]
    private static let times = ["since", "until"]

    /// The fields without the state.
    let fields: [String: String]
    let state: String

    init(_ form: Form) {
        fields = form.among(Self.names)
        state = form["state"] ?? "open"
    }

    /// The fields for the services, with ages converted to times.
    func parameters(at now: Date) -> [String: String] {
        var parameters = fields
        for name in Self.times {
            if let text = fields[name] { parameters[name] = PastTime.text(text, now: now) ?? text }
        }
        return parameters
    }

    /// The filter in words.
    var phrase: String { fields.phrase(selecting: "letters") }
}

extension LetterDecision {
    var title: String {
        switch self {
        case .replay: "Replay"
        case .discard: "Discard"
        case .restore: "Restore"
        }
    }

    var notice: Notice {
        switch self {
        case .replay: .replayed
        case .discard: .discarded
        case .restore: .restored
        }
    }
}
