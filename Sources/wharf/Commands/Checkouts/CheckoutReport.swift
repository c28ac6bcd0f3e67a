import Contracts
import FoundationEssentials
import Terminal

/// A checkout in a list, as orders reports it.
struct CheckoutLine: Decodable, Sendable {
    let orderId: String
    let number: String
    let state: String
    let retries: Int
    let isStuck: Bool
    let placedAt: Date
    let paymentState: String
    let total: Money
    let email: String
    let assignee: String?

    static func columns(at now: Date) -> [Column<CheckoutLine>] {
        [
            Column("number") { $0.number }, Column("waits for") { $0.state },
            Column("repeated", isNumber: true, plain: { "\($0.retries)" }) { "\($0.retries)" + ($0.isStuck ? "!" : "") },
            Column("age", isNumber: true, plain: { $0.placedAt.ISO8601Format() }) { now.timeIntervalSince($0.placedAt).age }, Column("payment") { $0.paymentState },
            Column("total", isNumber: true) { $0.total.text }, Column("assigned to") { $0.assignee ?? "-" }, Column("customer") { $0.email }, Column("order") { $0.orderId },
        ]
    }
}

/// One checkout, as orders reports it.
struct CheckoutReport: Decodable, Sendable {
    struct Customer: Decodable, Sendable {
        let id: String?
        let name: String
        let email: String
    }

    struct Payment: Decodable, Sendable {
        let state: String
        let gateway: String
        let total: Money
        let refunded: Money
    }

    struct Assignment: Decodable, Sendable {
        let assignee: String
        let at: Date
        let by: String
    }

    struct Step: Decodable, Sendable {
        let at: Date
        let state: String
        let detail: String
        let by: String?
        let milliseconds: Int?
    }

    struct Action: Decodable, Sendable {
        let at: Date
        let actor: String
        let action: String
        let detail: String?
    }

    struct Message: Decodable, Sendable {
        let id: String
        let depth: Int
        let operation: String?
        let service: String?
        let sentAt: Date?
        let handledAt: Date?
        let milliseconds: Int?
    }

    let orderId: String
    let number: String
    let state: String
    let orderState: String
    let reason: String?
    let retries: Int
    let allRetries: Int
    let isStuck: Bool
    let placedAt: Date
    let dueAt: Date?
    let deadline: Date
    let customer: Customer
    let payment: Payment
    let assignment: Assignment?
    let timeline: [Step]
    let actions: [Action]
    let messages: [Message]
    let unanswered: [String]

    var name: String { number.printable }
    /// The step that it waits for.
    var step: String { "the step \(state.printable)" }
}

extension Double {
    /// A duration in the largest unit of which there are at least two: `95 s`, `12 min`, `36 h`, `8 d`.
    var age: String {
        let seconds = Int(Swift.max(0, Swift.min(self, 1e12)))
        if seconds < 120 { return "\(seconds) s" }
        if seconds < 7_200 { return "\(seconds / 60) min" }
        if seconds < 172_800 { return "\(seconds / 3_600) h" }
        return "\(seconds / 86_400) d"
    }
}

extension Int {
    /// Milliseconds for people: `840 ms`, `12.4 s`, then as ages.
    var duration: String {
        if self < 1_000 { return "\(self) ms" }
        return self < 100_000 ? "\((Double(self) / 1_000).tenths) s" : (Double(self) / 1_000).age
    }
}
