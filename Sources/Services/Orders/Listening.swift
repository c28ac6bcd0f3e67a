import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL

/// An order's changes for a client that listens to them.
struct ListenToOrder: Sendable {
    let order: GetOrder
    /// The index in the history of the last change that the client has; -1 for none.
    let after: Int

    static func read(_ request: Request) throws -> ListenToOrder {
        try Fields.read(request) { fields in
            ListenToOrder(order: try GetOrder.read(&fields), after: fields.lastEvent())
        }
    }
}

/// One change of an order, as Server-Sent Events carry it.
private struct OrderChange: Encodable {
    struct Order: Encodable {
        let state: String
        let payment: PaymentState
        let refunded: Money
    }

    let at: Date
    let state: String
    let detail: String
    let by: OrderView.Actor?
    /// The current state, which may be newer than the change.
    let order: Order
}

extension Reading {
    /// The changes that the client does not have, as text of an event stream. The reply says whether more may follow; for a client that has everything about a
    /// settled order it is 204, after which browsers do not reconnect.
    func events(_ items: [IncomingMessage<ListenToOrder>], on connection: any SQLConnection) async throws -> [Outcome] {
        let orders = try await Store.find(items.map(\.input.order.id), on: connection)
        return try items.map { item in
            guard let order = orders[item.input.order.id], item.input.order.mayRead(order, item.request.caller) else {
                return .refused(.notFound("order"))
            }
            let history = try order.history.value
            // The client's number may be the largest there is: bounded before anything is added.
            let first = min(item.input.after, history.count - 1) + 1
            if first == history.count, order.checkout.isTerminal { return .done(.noContent) }
            let now = OrderChange.Order(state: order.state, payment: order.paymentState, refunded: Money(amount: order.refunded, currency: order.total.currency))
            var events = EventText()
            for (index, entry) in history.enumerated().dropFirst(first) {
                try events.add(index, OrderChange(at: entry.at, state: entry.state, detail: entry.detail, by: entry.by, order: now))
            }
            return .done(events.reply(last: order.checkout.isTerminal ? nil : history.count - 1))
        }
    }

    /// `orders.orders.versions`
    func versions(_ items: [IncomingMessage<VersionsQuery>], on connection: any SQLConnection) async throws -> [Outcome] {
        try await VersionsQuery.answer(items) { ids in
            let rows = try await connection.query("SELECT order_id, version FROM checkouts WHERE order_id = ANY(\(ids))")
            return try Dictionary(rows.map { (try $0.decode("order_id"), try $0.decode("version")) }, uniquingKeysWith: { first, _ in first })
        }
    }
}
