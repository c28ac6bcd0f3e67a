import Contracts
import FoundationEssentials
import Input
import Messaging

struct ListLetters: Sendable {
    static let textLength = 1...255

    let filter: DeadLetterFilter
    let page: PageRequest
    let after: DeadLetterStore.Position?

    static func read(_ request: Request) throws -> ListLetters {
        try Fields.read(request) { fields in
            let states = DeadLetterState.allCases.map(\.rawValue)
            let state = fields.choiceParameter("state", states + ["all"], default: DeadLetterState.open.rawValue)
            let filter = DeadLetterFilter(
                cause: fields.optionalParameter("cause", textLength), queue: fields.optionalParameter("queue", textLength),
                state: DeadLetterState(rawValue: state))
            let page = fields.page()
            let after = fields.position(page).map { DeadLetterStore.Position(lastSeenAt: $0.0, id: $0.1) }
            return ListLetters(filter: filter, page: page, after: after)
        }
    }
}

struct OneLetter: Sendable {
    let id: UUID

    static func read(_ request: Request) throws -> OneLetter {
        try Fields.read(request) { OneLetter(id: try $0.uuidParameter("id", of: "dead letter")) }
    }
}

struct ReplayLetter: Sendable {
    let id: UUID
    /// Also replay when the message is older than what services remember, so that it may be handled a second time.
    let pastMemory: Bool
    /// Also replay a charge that is older than the gateway's memory of its key: payments looks for the payment at the gateway before it charges.
    let reconcile: Bool

    static func read(_ request: Request) throws -> ReplayLetter {
        try Fields.read(request) { fields in
            ReplayLetter(
                id: try fields.uuidParameter("id", of: "dead letter"), pastMemory: fields.optionalBoolean("pastMemory") ?? false,
                reconcile: fields.optionalBoolean("reconcile") ?? false)
        }
    }
}

extension Caller {
    /// The caller's name in the audit log.
    var actor: String {
        let id = id.uuidString.lowercased()
        return email.map { "\($0) (\(id))" } ?? id
    }
}
