import Contracts
import FoundationEssentials
import JSON
import Operator
import Terminal

/// Edits the body that a replay of a letter sends: the text, the changes in it, and the confirmation.
enum LetterEditing {
    private static let rows = 24

    static let routes = [
        Route(.get, "letters/:id/edit", .letters, write), Route(.post, "letters/:id/edit", .letters, review), Route(.post, "letters/:id/edit/save", .letters, save),
        Route(.get, "letters/:id/revert", .letters, confirmRevert), Route(.post, "letters/:id/revert", .letters, revert),
    ]

    private static func write(_ visit: Visit) async throws -> Outcome {
        let whole: WholeLetter = try await visit.services.ask(.letter, ["id": visit.id])
        return .page(form(visit, indented(try whole.currentText())))
    }

    private static func form(_ visit: Visit, _ text: String, problem: String? = nil) -> Page {
        let back = Link.to("letters", visit.id)
        let problem: Markup = problem.map { "<p class=\"note bad\" role=\"alert\">\($0)</p>" } ?? .nothing
        let fields = problem + Field.area("Body", "body", text, rows: rows) + Field.buttons("Show what changes", back: back)
        let form = Field.form(Link.to("letters", visit.id, "edit"), visit.page, class: "stack wide", fields)
        return Page(
            title: "Edit", section: .letters, content: "<h1>Edit the body</h1><p class=\"lead\">The original is kept. A replay sends one of the two, never both.</p>\(form)")
    }

    private static func review(_ visit: Visit) async throws -> Outcome {
        let whole: WholeLetter = try await visit.services.ask(.letter, ["id": visit.id])
        let (old, new) = (try whole.currentText(), visit.form.whole("body") ?? "")
        if isJSON(old), !isJSON(new) { return .page(form(visit, new, problem: "The body was JSON before, but this is not.")) }
        let difference = LetterDifference(from: old, to: new)
        guard !difference.isEmpty else {
            return .page(Page(title: "Edit", section: .letters, content: "<h1>Nothing was changed</h1><p>\(Part.link("Back to the letter", Link.to("letters", visit.id)))</p>"))
        }
        let confirmation = Confirmation(
            title: "Save this body?", section: .letters,
            effect: "\(DifferenceView(difference).markup)<p>The service checks it against what the operation accepts.</p>", action: Link.to("letters", visit.id, "edit", "save"),
            button: "Save", back: Link.to("letters", visit.id), fields: Field.hidden(["body": new]))
        return .page(confirmation.page(visit.page))
    }

    private static func save(_ visit: Visit) async throws -> Outcome {
        let text = visit.form.whole("body") ?? ""
        try await visit.services.act(.edit, ["id": visit.id], try JSON.encode(["body": compact(text)]))
        return .done(.edited, "letters", visit.id)
    }

    private static func confirmRevert(_ visit: Visit) async throws -> Outcome {
        let confirmation = Confirmation(
            title: "Remove the edit?", section: .letters, effect: "<p>A replay sends the original again. The edited body is lost.</p>",
            action: Link.to("letters", visit.id, "revert"), button: "Remove the edit", tone: .bad, back: Link.to("letters", visit.id))
        return .page(confirmation.page(visit.page))
    }

    private static func revert(_ visit: Visit) async throws -> Outcome {
        try await visit.services.act(.revert, ["id": visit.id])
        return .done(.reverted, "letters", visit.id)
    }

    private static func isJSON(_ text: String) -> Bool { (try? JSON.decode(JSONValue.self, from: Array(text.utf8))) != nil }

    /// Indents JSON for the form. ``compact(_:)`` makes it compact again, as services send it.
    private static func indented(_ text: String) -> String {
        (try? JSON.decode(JSONValue.self, from: Array(text.utf8))).map(PrettyJSON.text) ?? text
    }

    private static func compact(_ text: String) throws -> String {
        guard let value = try? JSON.decode(JSONValue.self, from: Array(text.utf8)) else { return text }
        return String(decoding: try JSON.encode(value), as: UTF8.self)
    }
}
