import Contracts
import FoundationEssentials
import Secrets

/// A running checkout in a list, and the reply to an operator's change.
struct CheckoutSummary: Sendable, Codable {
    @PublicID var orderId: UUID
    let number: String
    /// The saga's, which names the step that it waits for.
    let state: String
    let reason: String?
    /// How often the step was repeated without an answer.
    let retries: Int
    let isStuck: Bool
    let placedAt: Date
    /// When the step is repeated by itself; absent once the checkout has ended.
    let dueAt: Date?
    let paymentState: PaymentState
    let total: Money
    let email: String
    let assignee: String?
}

/// Everything about one checkout.
struct CheckoutDetail: Sendable, Encodable {
    struct Customer: Sendable, Encodable {
        /// Absent for a guest.
        let id: String?
        let name: String
        let email: String
    }

    struct Payment: Sendable, Encodable {
        let state: PaymentState
        let gateway: GatewayName
        let total: Money
        let refunded: Money
    }

    /// One entry of the order's history.
    struct Step: Sendable, Encodable {
        let at: Date
        let state: String
        let detail: String
        let by: OrderView.Actor?
        /// Until the next one; absent for the last.
        let milliseconds: Int?
        let messageId: String?
    }

    struct Assignment: Sendable, Encodable {
        let assignee: String
        let at: Date
        let by: String
    }

    /// What an operator did.
    struct Action: Sendable, Encodable {
        let at: Date
        let actor: String
        let action: String
        let detail: String?
        let messageId: String
    }

    let orderId: String
    let number: String
    let state: String
    let orderState: String
    let reason: String?
    let retries: Int
    /// Repeated steps in all.
    let allRetries: Int
    let isStuck: Bool
    let placedAt: Date
    let dueAt: Date?
    /// After this, a step without an answer gives the order up.
    let deadline: Date
    let customer: Customer
    let payment: Payment
    let assignment: Assignment?
    let timeline: [Step]
    let actions: [Action]
    let messages: [Waterfall.Message]
    /// Services that did not answer; their messages are missing.
    let unanswered: [String]
}

extension CheckoutSummary {
    init(_ order: OrderRow, due: Date?) {
        self.init(
            orderId: order.id, number: order.number, state: order.checkout.phase.rawValue, reason: order.checkout.reason?.rawValue, retries: order.retries,
            isStuck: order.isStuck, placedAt: order.placedAt, dueAt: due, paymentState: order.paymentState, total: order.total, email: order.email,
            assignee: nil)
    }
}

extension CheckoutDetail {
    init(_ order: OrderRow, _ record: CheckoutRecord, _ waterfall: Waterfall, deadline: Date) throws {
        let address = try order.shippingAddress.value
        let history = try order.history.value
        let ends = history.dropFirst().map { Optional($0.at) } + [nil]
        orderId = order.id.lowerCaseText
        number = order.number
        state = order.checkout.phase.rawValue
        orderState = order.state
        reason = order.checkout.reason?.rawValue
        retries = order.retries
        allRetries = record.redrives
        isStuck = order.isStuck
        placedAt = order.placedAt
        dueAt = record.dueAt
        self.deadline = deadline
        customer = Customer(id: order.customerID?.lowerCaseText, name: address.name, email: order.email)
        payment = Payment(
            state: order.paymentState, gateway: try order.payment.value.gateway, total: order.total,
            refunded: Money(amount: order.refunded, currency: order.total.currency))
        assignment = record.assignment
        timeline = zip(history, ends).map { entry, end in
            Step(
                at: entry.at, state: entry.state, detail: entry.detail, by: entry.by, milliseconds: end.map { $0.milliseconds(since: entry.at) },
                messageId: entry.message?.lowerCaseText)
        }
        actions = record.actions
        messages = waterfall.messages
        unanswered = waterfall.unanswered
    }
}

extension OrderRow {
    /// Its step has been repeated without an answer.
    var isStuck: Bool { !checkout.isTerminal && retries >= CheckoutFilter.stuckAfter }
}

extension Date {
    /// Whole milliseconds; 0 where clocks of several machines disagree.
    func milliseconds(since start: Date) -> Int { max(0, Int(exactly: (timeIntervalSince(start) * 1_000).rounded()) ?? 0) }
}
