import Contracts
import FoundationEssentials
import JSON
import Messaging
import Operator
import Terminal

/// Letters with the same cause.
struct GroupsPage: Sendable {
    static let limit = 50
    static let states = ["open", "muted", "resolved", "all"]

    let list: Listed<LetterGroup>
    let query: Form
    let serviceNames: [String]
    let context: PageContext

    static let routes = [Route(.get, "groups", .groups, show), Route(.post, "groups/:id", .groups, change)]

    private static func show(_ visit: Visit) async throws -> Outcome {
        let parameters = visit.query.among(["state", "service", "cursor"]).merging(["limit": "\(limit)"]) { $1 }
        let page = GroupsPage(list: try await visit.services.ask(.groups, parameters), query: visit.query, serviceNames: visit.serviceNames, context: visit.page)
        return .page(Page(title: "Groups", section: .groups, content: page.markup))
    }

    /// The form's fields as a merge patch, which removes an empty name or note.
    private static func change(_ visit: Visit) async throws -> Outcome {
        var members: [String: JSONValue] = [:]
        for name in ["name", "note"] { members[name] = visit.form[name].map { .string($0) } ?? .null }
        members["state"] = visit.form["state"].map { .string($0) }
        try await visit.services.act(.changeGroup, ["id": visit.id], try JSON.encode(members))
        return .done(.changed, "groups")
    }

    var markup: Markup {
        let filter = Field.filter(
            Link.to("groups"), label: "Groups",
            Field.choice("State", "state", Self.states.map { ($0, $0) }, query["state"] ?? "open")
                + Field.choice("Service", "service", [("", "any")] + serviceNames.map { ($0, $0) }, query["service"]))
        return "<h1>Groups</h1><p class=\"lead\">Dead letters of one operation with the same cause.</p>\(filter)\(table)\(pager)"
    }

    private var pager: Markup {
        Part.pager(["groups"], query.among(["state", "service"]), next: list.nextCursor, isFirst: !query.has("cursor"))
    }

    private var table: Markup {
        guard !list.items.isEmpty else { return Part.empty("No group matches.") }
        let rows = list.items.map { group -> [Markup] in
            [
                Self.heading(group) + changes(group), "\(group.open)", "\(group.count)", "\(group.orders)", Chart.hours(group.perHour), Part.age(group.firstSeenAt, context.now),
                Part.age(group.lastSeenAt, context.now), Self.state(group),
            ]
        }
        return Table(
            "Groups",
            [
                .init("Cause"), .init("Open", .number), .init("All", .number, wide: true), .init("Orders", .number, wide: true), .init("24 hours", wide: true),
                .init("First", .number, wide: true), .init("Last", .number), .init("State", wide: true),
            ], rows
        ).markup
    }

    /// The title of a group, with its operation below.
    static func heading(_ group: LetterGroup) -> Markup {
        let link = Part.link(group.title.printable, Link.to("letters", query: ["group": group.id, "state": group.open > 0 ? nil : "all"]), class: "title")
        let note: Markup = group.note.map { "<span class=\"sub\">\($0.printable)</span>" } ?? .nothing
        let returned: Markup =
            switch group.returned {
            case "replay": Part.badge("back after a replay", .warn)
            case "resolved": Part.badge("back after it was resolved", .warn)
            default: .nothing
            }
        return "\(link) \(returned)<span class=\"sub\">\((group.operation ?? group.service ?? "unknown").printable)</span>\(note)"
    }

    private static func state(_ group: LetterGroup) -> Markup { Part.badge(group.state, group.state == "open" ? .bad : .plain) }

    private func changes(_ group: LetterGroup) -> Markup {
        let fields =
            Field.text("Name", "name", group.name, extra: " maxlength=\"100\"") + Field.text("Note", "note", group.note, extra: " maxlength=\"2000\"")
            + Field.choice("State", "state", ["open", "muted", "resolved"].map { ($0, $0) }, group.state) + "<p class=\"buttons\"><button class=\"accent\">Save</button></p>"
        let links = [
            group.example.map { Part.link("Example", Link.to("letters", $0)) },
            group.open > 0 ? Part.link("Replay…", Link.to("jobs", "new", query: ["action": "replay", "group": group.id])) : nil,
            group.open > 0 ? Part.link("Discard…", Link.to("jobs", "new", query: ["action": "discard", "group": group.id])) : nil,
        ].compactMap(\.self)
        return """
            <div class="actions">\(links.joined(by: " "))\
            <details><summary>Name, note, state</summary>\(Field.form(Link.to("groups", group.id), context, class: "stack", fields))</details></div>
            """
    }
}
