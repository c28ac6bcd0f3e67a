import Contracts
import FoundationEssentials
import JSON
import Operator
import Terminal

/// One letter with its body, headers, attempts and order.
struct LetterPage: Sendable {
    let whole: WholeLetter
    /// The checkout of the order that the letter names, if any.
    let checkout: Result<CheckoutReport, any Error>?
    let now: Date

    static let routes =
        [Route(.get, "letters/:id", .letters, show)] + LetterDecisions.routes + LetterEditing.routes

    private static func show(_ visit: Visit) async throws -> Outcome {
        let whole: WholeLetter = try await visit.services.ask(.letter, ["id": visit.id])
        let services = visit.services
        let checkout: Result<CheckoutReport, any Error>? =
            if let order = whole.letter.orderId { await .of { try await services.ask(.checkout, ["id": order]) } } else { nil }
        let page = LetterPage(whole: whole, checkout: checkout, now: visit.now)
        return .page(Page(title: page.title, section: .letters, content: page.markup))
    }

    private var letter: Letter { whole.letter }
    private var title: String { (letter.operation ?? letter.queue).printable }

    var markup: Markup {
        """
        <header class="head"><h1>\(title) \(LettersPage.state(letter))</h1>\(actions)</header>\
        \(Part.note("<p><strong>\(letter.cause.printable)</strong></p><p>\(letter.detail.printable)</p>", .bad))\
        \(facts)\(order)\(bodies)\(attempts)\(members("Headers", whole.headers))\(members("Properties", whole.properties))\(decisions)
        """
    }

    private var actions: Markup {
        func action(_ title: String, _ path: String, _ tone: Tone = .plain) -> Markup { Part.link(title, Link.to("letters", letter.id, path), class: "button \(tone.rawValue)") }
        var links: [Markup] = []
        switch letter.state {
        case "open":
            links = [action("Replay…", "replay", .accent)] + ((try? whole.currentText()) != nil ? [action("Edit…", "edit")] : []) + [action("Discard…", "discard")]
            if whole.edit != nil { links.append(action("Remove the edit…", "revert")) }
        case "discarded": links = [action("Restore…", "restore", .accent)]
        // A replayed letter becomes open again if its message dies again.
        default: break
        }
        return links.isEmpty ? .nothing : "<div class=\"buttons\">\(links.joined(by: " "))</div>"
    }

    private var facts: Markup {
        Part.facts([
            ("Service", letter.service.map { "\($0)" }), ("From the queue", Part.code(letter.queue)), ("Message", Part.code(letter.messageId ?? "without an id")),
            ("First failed", Part.moment(letter.firstFailedAt ?? letter.firstSeenAt)), ("Last seen", Part.moment(letter.lastSeenAt)),
            ("Attempts", "\(letter.attempts ?? 0)"), ("Arrived", (letter.seen ?? 1) == 1 ? "once" : "\(letter.seen ?? 1) times"),
            ("Settled", letter.settledBy.map { "by \($0.printable)" + (letter.settledAt.map { ", \(Part.moment($0))" } ?? .nothing) }),
            ("Group", letter.group.map { Part.link($0.shortID, Link.to("letters", query: ["group": $0])) }),
            ("Customer", letter.customerId.map(Part.code)), ("Cart", whole.cartId.map(Part.code)), ("Trace", whole.traceId.map(Part.code)),
        ])
    }

    // MARK: The order

    private var order: Markup {
        guard let id = letter.orderId, let checkout else { return .nothing }
        let more = Part.link("The whole order", Link.to("checkouts", id))
        switch checkout {
        case .failure(let error): return Part.section("Order", Part.missing(error, "orders"), more: more)
        case .success(let report):
            let content: Markup = """
                \(CheckoutFacts(report: report, now: now).brief)\
                \(Part.note("<p>\(report.handling(ofMessage: letter.messageId))</p>", report.hasHandled(letter.messageId) ? .warn : .plain))
                """
            return Part.section("Order \(report.number.printable)", content, more: more)
        }
    }

    // MARK: The message

    private var bodies: Markup {
        let original =
            whole.isText ? Part.text(PrettyJSON.lines(of: whole.body), label: "Body") + missing : Part.empty("\(whole.bodyBytes) bytes that are not text.")
        guard let edit = whole.edit else { return Part.section("Body", original) }
        let changes = (try? whole.originalText()).map { Part.section("What was changed", DifferenceView(LetterDifference(from: $0, to: edit.body)).markup) }
        return """
            \(Part.section("Edited body", "<p class=\"soft\">by \(edit.by.printable), \(Part.moment(edit.at)). A replay sends this.</p>\(Part.text(PrettyJSON.lines(of: edit.body), label: "Edited body"))"))\
            \(changes ?? .nothing)\
            \(Part.section("Original body", original))
            """
    }

    private var missing: Markup {
        whole.cut.map { "<p class=\"soft\">These are \($0).</p>" } ?? .nothing
    }

    private var attempts: Markup {
        guard !whole.history.isEmpty else { return .nothing }
        let rows = whole.history.map { attempt -> [Markup] in
            [Part.moment(attempt.at), "<strong>\(attempt.cause.printable)</strong><span class=\"sub\">\(attempt.detail.printable)</span>", Part.code(attempt.worker)]
        }
        return Part.section("Attempts", Table("Attempts", [.init("Time"), .init("What failed"), .init("Worker", wide: true)], rows).markup)
    }

    private func members(_ title: String, _ value: JSONValue?) -> Markup {
        guard case .object(let members)? = value, !members.isEmpty else { return .nothing }
        let rows = members.sorted { $0.key < $1.key }.map { name, value -> [Markup] in
            let text = if case .string(let text) = value { text } else { value.description }
            return [Part.code(name), Part.code(text)]
        }
        return Part.section(title, Table(title, [.init("Name"), .init("Value")], rows).markup)
    }

    private var decisions: Markup {
        guard !whole.audit.isEmpty else { return .nothing }
        let rows = whole.audit.map { [Part.moment($0.at), "\($0.action.printable)", "\($0.actor.printable)"] as [Markup] }
        return Part.section("Decisions", Table("Decisions", [.init("Time"), .init("What"), .init("Who")], rows).markup)
    }
}

/// The differences of two bodies, line by line. Removed and added lines are marked with a sign as well as a colour.
struct DifferenceView: Sendable {
    let difference: LetterDifference

    init(_ difference: LetterDifference) {
        self.difference = difference
    }

    var markup: Markup {
        guard !difference.isEmpty else { return Part.empty("Nothing was changed.") }
        let lines = difference.lines.map { line -> Markup in
            switch line {
            case .same(let text): "<span>  \(text.printable)\n</span>"
            case .removed(let text): "<del>- \(text.printable)\n</del>"
            case .added(let text): "<ins>+ \(text.printable)\n</ins>"
            }
        }
        return "<pre class=\"difference\" tabindex=\"0\" role=\"region\" aria-label=\"Difference\">\(lines)</pre>"
    }
}
