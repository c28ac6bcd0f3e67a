import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Secrets

/// A return as the API shows it outside its order.
private struct ReturnView: Sendable, Encodable {
    @PublicID var id: UUID
    @PublicID var orderId: UUID
    let at: Date
    let state: Return.State
    let lines: [Return.Line]
    let amount: Money
    let refusal: String?
    let restocked: Bool?
    let refund: Return.Refund?

    init(_ one: Return, of order: UUID) {
        (id, orderId, at, state, lines) = (one.id, order, one.at, one.state, one.lines)
        (amount, refusal, restocked, refund) = (one.amount, one.refusal, one.restocked, one.refund)
    }
}

/// `orders.returns.create` and the shop's decisions about a return.
extension Changing {
    func requestReturns(_ items: [IncomingMessage<NewReturn>], on transaction: any SQLConnection) async throws -> [Outcome] {
        var added: [(id: UUID, order: UUID)] = []
        let outcomes = try await change(items, of: \.order.id, on: transaction) { item, order, now in
            guard item.input.order.mayRead(order, item.request.caller) else { throw Problem.notFound("order") }
            var fulfilment = try order.fulfilment
            let known = fulfilment.returns.count
            let one = try fulfilment.request(item.input.lines, id: item.request.id, of: try order.lines.value, at: now)
            let reply = try Reply(status: 201, headers: ["location": "/v1/orders/\(order.id.lowerCaseText)"], json: ReturnView(one, of: order.id))
            guard fulfilment.returns.count > known else { return (reply, []) }
            try order.change(fulfilment)
            added.append((one.id, order.id))
            order.note("returnRequested", one.lines.map(\.pieces).text, by: item.request.caller.actor, at: now)
            return (reply, [try OutgoingMessage(.event(MessageName.orderReturnRequested), OrderUpdate(one, of: order))])
        }
        if !added.isEmpty { try await Store.addReturns(added, on: transaction) }
        return outcomes
    }

    func decide(_ items: [IncomingMessage<DecideReturn>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let orders = try await Store.orders(ofReturns: items.map(\.input.id), on: transaction)
        return try await change(items, of: { orders[$0.id] }, named: "return", on: transaction) { item, order, now in
            var fulfilment = try order.fulfilment
            let (one, isNews) = try fulfilment.decide(item.input.decision, on: item.input.id)
            let reply = try Reply(json: ReturnView(one, of: order.id))
            guard isNews else { return (reply, []) }
            try order.change(fulfilment)
            order.note(item.input.decision.entry, one.refusal ?? one.lines.map(\.pieces).text, by: .shop, at: now)
            return (reply, try messages(item.input.decision, one, order, by: item.request.caller))
        }
    }

    private func messages(_ decision: ReturnDecision, _ one: Return, _ order: OrderRow, by caller: Caller?) throws -> [OutgoingMessage] {
        switch decision {
        case .approve: return [try OutgoingMessage(.event(MessageName.orderReturnApproved), OrderUpdate(one, of: order))]
        case .refuse: return [try OutgoingMessage(.event(MessageName.orderReturnRefused), OrderUpdate(one, of: order))]
        case .receive(let restock):
            var messages: [OutgoingMessage] = []
            if one.amount.amount > 0 {
                let refund = CreateRefund(
                    refundID: one.refundID, orderID: order.id, amount: one.amount.amount, isCapped: true, reason: "return",
                    actor: caller?.id.lowerCaseText ?? OrdersService.name)
                messages.append(try OutgoingMessage(.request(MessageName.createRefund), refund))
            }
            if restock {
                let lines = one.lines.map { ReserveStock.Line(sku: $0.sku, quantity: $0.quantity) }
                messages.append(try OutgoingMessage(.request(MessageName.restock), RestockReturn(orderID: order.id, returnID: one.id, lines: lines)))
            }
            return messages
        }
    }
}

extension ReturnDecision {
    /// The state that the order's history shows.
    fileprivate var entry: String {
        switch self {
        case .approve: "returnApproved"
        case .refuse: "returnRefused"
        case .receive: "returnReceived"
        }
    }
}

extension Store {
    fileprivate static func addReturns(_ returns: [(id: UUID, order: UUID)], on transaction: any SQLConnection) async throws {
        try await transaction.enqueue(
            """
            INSERT INTO returns (id, order_id) SELECT id, order_id FROM unnest(\(returns.map(\.id)), \(returns.map(\.order))) AS new (id, order_id)
            ON CONFLICT DO NOTHING
            """)
    }

    /// The order of each return.
    fileprivate static func orders(ofReturns ids: [UUID], on connection: any SQLConnection) async throws -> [UUID: UUID] {
        let rows = try await connection.query("SELECT id, order_id FROM returns WHERE id = ANY(\(ids))")
        return try Dictionary(rows.map { (try $0.decode("id"), try $0.decode("order_id")) }, uniquingKeysWith: { first, _ in first })
    }
}
