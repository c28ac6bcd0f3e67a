import Contracts
import FoundationEssentials
import Input
import JSON
import Messaging
import PostgreSQL
import Secrets

/// An order's changes for a client that listens to them.
struct ListenToOrder: Sendable {
    let order: GetOrder
    /// The index in the history of the last change that the client has; -1 for none.
    let after: Int

    static func read(_ request: Request) throws -> ListenToOrder {
        try Fields.read(request) { fields in
            let order = try GetOrder.read(&fields)
            // The ingress's own place, then the client's. A value that is not an index comes from another stream: the client gets everything.
            let place = fields.optionalParameter("after", 1...20) ?? fields.optionalParameter("last-event-id", 1...200)
            return ListenToOrder(order: order, after: max(place.flatMap { Int($0) } ?? -1, -1))
        }
    }
}

/// `orders.orders.versions`: the versions of these orders, by which the ingress notices changes.
struct OrderVersions: Sendable, Codable {
    struct Answer: Sendable, Codable {
        let versions: [String: Int]
    }

    let ids: [String]
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
            var body: [UInt8] = []
            for (index, entry) in history.enumerated().dropFirst(first) {
                let change = OrderChange(at: entry.at, state: entry.state, detail: entry.detail, by: entry.by, order: now)
                // JSON has no line breaks.
                body += Array("id: \(index)\ndata: ".utf8) + (try JSON.encode(change)) + Array("\n\n".utf8)
            }
            var headers = ["content-type": "text/event-stream; charset=utf-8"]
            if !order.checkout.isTerminal { headers[Reply.nextPage] = String(history.count - 1) }
            return .done(Reply(status: 200, headers: headers, body: body))
        }
    }

    func versions(_ items: [IncomingMessage<OrderVersions>], on connection: any SQLConnection) async throws -> [Outcome] {
        let texts = Set(items.flatMap(\.input.ids))
        let ids = Dictionary(texts.map { ($0, UUID(text: $0)) }, uniquingKeysWith: { first, _ in first }).compactMapValues(\.self)
        let rows = try await connection.query("SELECT order_id, version FROM checkouts WHERE order_id = ANY(\(Array(Set(ids.values))))")
        let versions = try Dictionary(
            rows.map { (try $0.decode("order_id", as: UUID.self), try $0.decode("version", as: Int.self)) }, uniquingKeysWith: { first, _ in first })
        return try items.map { item in
            let known = item.input.ids.compactMap { text in ids[text].flatMap { versions[$0] }.map { (text, $0) } }
            return .done(try Reply(json: OrderVersions.Answer(versions: Dictionary(known, uniquingKeysWith: { first, _ in first }))))
        }
    }
}
