import Contracts
import FoundationEssentials
import Terminal

/// A checkout in a list, as orders reports it.
package struct CheckoutLine: Decodable, Sendable {
    package let orderId: String
    package let number: String
    package let state: String
    package let retries: Int
    package let isStuck: Bool
    package let placedAt: Date
    package let paymentState: String
    package let total: Money
    package let email: String
    package let assignee: String?

    package static func columns(at now: Date) -> [Column<CheckoutLine>] {
        [
            Column("number") { $0.number }, Column("waits for") { $0.state },
            Column("repeated", isNumber: true, plain: { "\($0.retries)" }) { "\($0.retries)" + ($0.isStuck ? "!" : "") },
            Column("age", isNumber: true, plain: { $0.placedAt.ISO8601Format() }) { now.timeIntervalSince($0.placedAt).age }, Column("payment") { $0.paymentState },
            Column("total", isNumber: true) { $0.total.text }, Column("assigned to") { $0.assignee ?? "-" }, Column("customer") { $0.email }, Column("order") { $0.orderId },
        ]
    }
}

/// One checkout, as orders reports it.
package struct CheckoutReport: Decodable, Sendable {
    package struct Customer: Decodable, Sendable {
        package let id: String?
        package let name: String
        package let email: String
    }

    package struct Payment: Decodable, Sendable {
        package let state: String
        package let gateway: String
        package let total: Money
        package let refunded: Money
    }

    package struct Assignment: Decodable, Sendable {
        package let assignee: String
        package let at: Date
        package let by: String
    }

    package struct Step: Decodable, Sendable {
        package let at: Date
        package let state: String
        package let detail: String
        package let by: String?
        package let milliseconds: Int?
    }

    package struct Action: Decodable, Sendable {
        package let at: Date
        package let actor: String
        package let action: String
        package let detail: String?
    }

    package struct Message: Decodable, Sendable {
        package let id: String
        package let depth: Int
        package let operation: String?
        package let service: String?
        package let sentAt: Date?
        package let handledAt: Date?
        package let milliseconds: Int?
    }

    package let orderId: String
    package let number: String
    package let state: String
    package let orderState: String
    package let reason: String?
    package let retries: Int
    package let allRetries: Int
    package let isStuck: Bool
    package let placedAt: Date
    package let dueAt: Date?
    package let deadline: Date
    package let customer: Customer
    package let payment: Payment
    package let assignment: Assignment?
    package let timeline: [Step]
    package let actions: [Action]
    package let messages: [Message]
    package let unanswered: [String]

    package var name: String { number.printable }
    /// The step for which it waits.
    package var step: String { "the step \(state.printable)" }
}

extension CheckoutReport {
    /// States whether a service has handled the message, as far as the order's messages can be followed.
    package func handling(ofMessage id: String?) -> String {
        guard let found = message(id) else { return "The inboxes have no such message for this order, so it is unknown whether it was handled." }
        guard let at = found.handledAt else { return "The message was not handled." }
        return "The message was handled by \(found.service?.printable ?? "a service") at \(at.ISO8601Format()); a replay has no second effect."
    }

    package func hasHandled(_ id: String?) -> Bool { message(id)?.handledAt != nil }

    private func message(_ id: String?) -> Message? {
        guard let id = id?.lowercased() else { return nil }
        return messages.first { $0.id == id }
    }
}

extension Double {
    /// A duration in the largest unit of which there are at least two: `95 s`, `12 min`, `36 h`, `8 d`.
    package var age: String {
        let seconds = Int(Swift.max(0, Swift.min(self, 1e12)))
        if seconds < 120 { return "\(seconds) s" }
        if seconds < 7_200 { return "\(seconds / 60) min" }
        if seconds < 172_800 { return "\(seconds / 3_600) h" }
        return "\(seconds / 86_400) d"
    }
}

extension Int {
    /// Milliseconds in readable form: `840 ms`, `12.4 s`, then as ages.
    package var duration: String {
        if self < 1_000 { return "\(self) ms" }
        return self < 100_000 ? "\((Double(self) / 1_000).tenths) s" : (Double(self) / 1_000).age
    }
}
