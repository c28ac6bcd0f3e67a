import Contracts
import FoundationEssentials
import Input
import Messaging
import Runtime

/// Which running checkouts to list. A nil filter is not applied.
struct CheckoutFilter: Sendable {
    static let states = Checkout.Phase.allCases.filter { !Checkout(phase: $0, reason: nil).isTerminal }.map(\.rawValue)
    /// A step that was repeated this often without an answer is stuck: with the usual timeouts, more than a minute has passed.
    static let stuckAfter = 3

    var state: String?
    var isStuck = false
    /// In seconds since the order was placed.
    var olderThan: Int?
}

struct ListCheckouts: Sendable {
    let filter: CheckoutFilter
    let page: PageRequest
    let after: (Date, UUID)?

    static func read(_ request: Request) throws -> ListCheckouts {
        try Fields.read(request) { fields in
            let filter = CheckoutFilter(
                state: fields.optionalParameter("state"), isStuck: fields.flagParameter("stuck"), olderThan: fields.ageParameter("olderThan"))
            if let state = filter.state, !CheckoutFilter.states.contains(state) {
                fields.note("state", "must be one of \(CheckoutFilter.states.joined(separator: ", "))")
            }
            let page = fields.page()
            return ListCheckouts(filter: filter, page: page, after: fields.position(page))
        }
    }
}

struct OneCheckout: Sendable {
    let order: UUID

    static func read(_ request: Request) throws -> OneCheckout {
        try Fields.read(request) { OneCheckout(order: try $0.uuidParameter("id", of: "order")) }
    }
}

/// `{reason?}`
struct AbandonCheckout: Sendable {
    let order: UUID
    /// Shown in the order's history.
    let reason: String?

    static func read(_ request: Request) throws -> AbandonCheckout {
        try Fields.read(request) { AbandonCheckout(order: try $0.uuidParameter("id", of: "order"), reason: $0.optionalText("reason", 1...500)) }
    }
}

/// `{assignee}`; null removes the assignment.
struct AssignCheckout: Sendable {
    let order: UUID
    let assignee: String?

    static func read(_ request: Request) throws -> AssignCheckout {
        try Fields.read(request) { fields in
            let order = try fields.uuidParameter("id", of: "order")
            let assignee = fields.clears("assignee") ? nil : fields.text("assignee", 1...100)
            return AssignCheckout(order: order, assignee: assignee)
        }
    }
}

extension Fields {
    private static let longestAge = 365 * 86_400

    /// A ``ShortDuration`` in seconds; nil if it is absent.
    fileprivate mutating func ageParameter(_ name: String) -> Int? {
        guard let text = optionalParameter(name, 1...12) else { return nil }
        guard let age = ShortDuration.seconds(text, atMost: Self.longestAge) else {
            note(name, "must be a time such as 90s, 15m, 36h or 8d, and at most 365d")
            return nil
        }
        return age
    }
}
