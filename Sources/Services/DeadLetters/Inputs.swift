import Contracts
import FoundationEssentials
import Input
import Messaging

struct ListLetters: Sendable {
    let filter: DeadLetterFilter
    let page: PageRequest
    let after: DeadLetterStore.Position?

    static func read(_ request: Request) throws -> ListLetters {
        try Fields.read(request) { fields in
            let filter = DeadLetterFilter.read(&fields)
            let page = fields.page()
            let after = fields.position(page).map { DeadLetterStore.Position(lastSeenAt: $0.0, id: $0.1) }
            return ListLetters(filter: filter, page: page, after: after)
        }
    }
}

extension DeadLetterFilter {
    static let nameLength = 1...255
    /// Of a text in the body: fewer characters would match nearly everything.
    static let textLength = 3...100
    static let headerLength = 3...500

    static func read(_ fields: inout Fields) -> DeadLetterFilter {
        let states = DeadLetterState.allCases.map(\.rawValue)
        let state = fields.choiceParameter("state", states + ["all"], default: DeadLetterState.open.rawValue)
        var filter = DeadLetterFilter(
            service: fields.optionalParameter("service", nameLength), operation: fields.optionalParameter("operation", nameLength),
            cause: fields.optionalParameter("cause", nameLength), queue: fields.optionalParameter("queue", nameLength),
            group: fields.optionalUUIDParameter("group"), state: DeadLetterState(rawValue: state), order: fields.optionalUUIDParameter("order"),
            since: fields.timeParameter("since"), until: fields.timeParameter("until"), text: fields.optionalParameter("text", textLength))
        if let text = filter.text, SearchWords.query(text: text) == nil { fields.note("text", "must have a word of at least two letters or digits") }
        if let text = fields.optionalParameter("header", headerLength) {
            filter.header = Header(text)
            if filter.header == nil { fields.note("header", "must be a name and a value, with a colon between them") }
        }
        return filter
    }
}

extension DeadLetterFilter.Header {
    /// Reads `name:value`; nil for anything else.
    init?(_ text: String) {
        guard let colon = text.firstIndex(of: ":"), colon != text.startIndex, text.index(after: colon) != text.endIndex else { return nil }
        self.init(name: String(text[..<colon]), value: String(text[text.index(after: colon)...]))
    }
}

struct OneLetter: Sendable {
    let id: UUID

    static func read(_ request: Request) throws -> OneLetter {
        try Fields.read(request) { OneLetter(id: try $0.uuidParameter("id", of: "dead letter")) }
    }
}

/// A letter with a part of its body.
struct LetterPart: Sendable, Hashable {
    let id: UUID
    let bodyOffset: Int

    static func read(_ request: Request) throws -> LetterPart {
        try Fields.read(request) { fields in
            LetterPart(id: try fields.uuidParameter("id", of: "dead letter"), bodyOffset: fields.integerParameter("bodyOffset", 0...NewLetter.maximumBody, default: 0))
        }
    }
}

struct ReplayLetter: Sendable {
    let id: UUID
    /// Also replay when the message is older than what services remember, so that it may be handled a second time.
    let pastMemory: Bool
    /// Also replays a charge whose key the gateway may have forgotten: payments looks for the payment at the gateway before it charges.
    let reconcile: Bool

    static func read(_ request: Request) throws -> ReplayLetter {
        try Fields.read(request) { fields in
            ReplayLetter(
                id: try fields.uuidParameter("id", of: "dead letter"), pastMemory: fields.optionalBoolean("pastMemory") ?? false,
                reconcile: fields.optionalBoolean("reconcile") ?? false)
        }
    }
}
