import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// Checkouts for operators: the running ones, and one in any state with all its messages.
struct Operating: Sendable {
    let times: CheckoutTimes
    let clock: any WallClock
    /// Nil if no service can be asked.
    let inboxes: Inboxes?

    func list(_ items: [IncomingMessage<ListCheckouts>], on connection: any SQLConnection) async throws -> [Outcome] {
        let now = clock.now()
        var outcomes: [Outcome] = []
        for item in items {
            let found = try await CheckoutStore.list(item.input, now: now, on: connection)
            outcomes.append(.done(try Reply(json: Page(found, item.input.page) { PageRequest.key($0.placedAt, $0.orderId) })))
        }
        return outcomes
    }

    func get(_ items: [IncomingMessage<OneCheckout>], _ database: any Database) async throws -> [Outcome] {
        let ids = Array(Set(items.map(\.input.order)))
        let (orders, records) = try await database.withConnection { connection in
            (try await Store.find(ids, on: connection), try await CheckoutStore.records(of: ids, on: connection))
        }
        var outcomes: [Outcome] = []
        for item in items {
            guard let order = orders[item.input.order], let record = records[order.id] else {
                outcomes.append(.refused(.notFound("order")))
                continue
            }
            let waterfall = try await Waterfall.following(order, record, in: database, asking: inboxes)
            outcomes.append(.done(try Reply(json: CheckoutDetail(order, record, waterfall, deadline: times.end(placedAt: order.placedAt)))))
        }
        return outcomes
    }
}

extension Changing {
    /// Requests the current step again at once. Receivers act once per order, so this is safe if the step is only slow.
    func retry(_ items: [IncomingMessage<OneCheckout>], on transaction: any SQLConnection) async throws -> [Outcome] {
        var actions: [CheckoutAction] = []
        let outcomes = try await change(items, of: \.order, on: transaction) { item, order, now in
            guard let (next, steps) = order.checkout.after(.retried) else { throw Problem.checkoutEnded(order.checkout) }
            if next.phase != order.checkout.phase { order.note(next.phase.rawValue, OrderView.Entry.confirmed, at: now) }
            order.checkout = next
            // Waiting for a customer is not a missing answer: its first deadline sends the reminder.
            if next.phase != .awaitingCustomer { order.retries += 1 }
            actions.append(item.action(.retried, of: order.id, next.phase.rawValue))
            return (try reply(order, now), try steps.map { try OutgoingMessage($0, for: order, until: times.end(placedAt: order.placedAt)) })
        }
        try await CheckoutStore.record(actions, now: clock.now(), on: transaction)
        return outcomes
    }

    /// Gives an order up that no payment has confirmed.
    func abandon(_ items: [IncomingMessage<AbandonCheckout>], on transaction: any SQLConnection) async throws -> [Outcome] {
        var actions: [CheckoutAction] = []
        let outcomes = try await change(items, of: \.order, on: transaction) { item, order, now in
            guard let (next, steps) = order.checkout.after(.abandoned) else { throw Problem.notAbandonable(order.checkout) }
            order.checkout = next
            order.retries = 0
            order.clientSecret = nil
            order.note(next.phase.rawValue, OrderView.Entry.abandoned + (item.input.reason.map { ": \($0)" } ?? ""), by: .shop, at: now)
            actions.append(item.action(.abandoned, of: order.id, item.input.reason))
            return (try reply(order, now), try steps.map { try OutgoingMessage($0, for: order) })
        }
        try await CheckoutStore.record(actions, now: clock.now(), on: transaction)
        return outcomes
    }

    func assign(_ items: [IncomingMessage<AssignCheckout>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let known = try await CheckoutStore.existing(Set(items.map(\.input.order)), on: transaction)
        // Of several assignments in one batch the last one applies.
        var assignments: [UUID: String?] = [:]
        var actors: [UUID: String] = [:]
        for item in items where known.contains(item.input.order) {
            assignments[item.input.order] = .some(item.input.assignee)
            actors[item.input.order] = item.request.auditName
        }
        let now = clock.now()
        if !assignments.isEmpty { try await CheckoutStore.assign(assignments, by: actors, now: now, on: transaction) }
        let actions = items.filter { known.contains($0.input.order) }.map { $0.action(.assigned, of: $0.input.order, $0.input.assignee) }
        try await CheckoutStore.record(actions, now: now, on: transaction)
        return items.map { known.contains($0.input.order) ? .done(.noContent) : .refused(.notFound("order")) }
    }

    private func reply(_ order: OrderRow, _ now: Date) throws -> Reply {
        let due = times.due(order.checkout.phase, retries: order.retries, placedAt: order.placedAt, now: now)
        return try Reply(status: 202, headers: ["location": "/v1/checkouts/\(order.id.lowerCaseText)"], json: CheckoutSummary(order, due: due))
    }
}

extension IncomingMessage {
    fileprivate func action(_ kind: CheckoutAction.Kind, of order: UUID, _ detail: String?) -> CheckoutAction {
        CheckoutAction(order: order, kind: kind, actor: request.auditName, detail: detail, message: request.id)
    }
}

extension OrderView.Entry {
    /// Begins the entry of an order that an operator gave up.
    static let abandoned = "given up"
    /// Of an order that an earlier version left waiting for its sale.
    static let confirmed = "order confirmed"
}

extension Problem {
    fileprivate static func checkoutEnded(_ checkout: Checkout) -> Problem {
        .conflict("checkout-ended", "The checkout has ended as \(checkout.phase.rawValue): there is no step to repeat.")
    }

    fileprivate static func notAbandonable(_ checkout: Checkout) -> Problem {
        let detail =
            switch checkout.phase {
            case .confirming, .confirmed: "The order is paid. Cancel it instead, which refunds it."
            default: "The order is being given up or has ended; its state is \(checkout.phase.rawValue)."
            }
        return .conflict("checkout-not-abandonable", detail)
    }
}
