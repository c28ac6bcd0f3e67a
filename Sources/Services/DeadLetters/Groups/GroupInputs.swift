import Contracts
import FoundationEssentials
import Input
import Messaging

struct ListGroups: Sendable {
    /// Nil for all.
    let state: DeadLetterGroupState?
    let service: String?
    let page: PageRequest
    let after: DeadLetterStore.Position?

    static func read(_ request: Request) throws -> ListGroups {
        try Fields.read(request) { fields in
            let states = DeadLetterGroupState.allCases.map(\.rawValue)
            let state = fields.choiceParameter("state", states + ["all"], default: DeadLetterGroupState.open.rawValue)
            let service = fields.optionalParameter("service", DeadLetterFilter.nameLength)
            let page = fields.page()
            let after = fields.position(page).map { DeadLetterStore.Position(lastSeenAt: $0.0, id: $0.1) }
            return ListGroups(state: DeadLetterGroupState(rawValue: state), service: service, page: page, after: after)
        }
    }
}

/// A merge patch.
struct GroupChange: Sendable {
    static let nameLength = 1...100
    static let noteLength = 1...2_000

    /// A field that may be set, cleared, or left as it is.
    struct Text: Sendable {
        let isGiven: Bool
        let value: String?
    }

    let id: UUID
    let name: Text
    let note: Text
    let state: DeadLetterGroupState?

    var isEmpty: Bool { !name.isGiven && !note.isGiven && state == nil }

    static func read(_ request: Request) throws -> GroupChange {
        try Fields.read(request) { fields in
            fields.refuseNull("state")
            let state = fields.has("state") ? fields.choice("state", DeadLetterGroupState.allCases.map(\.rawValue)) : nil
            return GroupChange(
                id: try fields.uuidParameter("id", of: "group of dead letters"), name: text("name", nameLength, &fields),
                note: text("note", noteLength, &fields, lines: true), state: state.flatMap(DeadLetterGroupState.init))
        }
    }

    private static func text(_ field: String, _ length: ClosedRange<Int>, _ fields: inout Fields, lines: Bool = false) -> Text {
        let isCleared = fields.clears(field)
        let value = fields.optionalText(field, length, lines: lines)
        return Text(isGiven: isCleared || value != nil, value: value)
    }

    /// For the audit log.
    var action: String {
        switch state {
        case .open: "opened"
        case .muted: "muted"
        case .resolved: "resolved"
        case nil: "annotated"
        }
    }

    /// What has changed besides the state; nil when nothing has.
    var detail: String? {
        let parts = [("name", name), ("note", note)].compactMap { label, text in text.isGiven ? "\(label): \(text.value ?? "none")" : nil }
        return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }
}
