import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Runtime

/// Orders for callers who may see them.
struct Reading: Sendable {
    let clock: any WallClock

    func get(_ items: [IncomingMessage<GetOrder>], on connection: any SQLConnection) async throws -> [Outcome] {
        let orders = try await Store.find(items.map(\.input.id), on: connection)
        return try items.map { item in
            guard let order = orders[item.input.id], item.input.mayRead(order, item.request.caller) else {
                return .refused(.notFound("order"))
            }
            return .done(try Reply(headers: ["etag": "\"\(order.version)\""], json: try order.view(for: item.request.caller)))
        }
    }

    func list(_ items: [IncomingMessage<ListOrders>], on connection: any SQLConnection) async throws -> [Outcome] {
        var outcomes: [Outcome] = []
        for item in items {
            guard let caller = item.request.caller else {
                outcomes.append(.refused(.notFound("order")))
                continue
            }
            var filter = item.input.filter
            if caller.role != .admin { filter.customer = caller.id }
            let rows = try await Store.list(filter, after: item.input.after, limit: item.input.page.limit + 1, on: connection)
            let page = try Page(rows.map { try $0.view(for: caller) }, item.input.page) { PageRequest.key($0.placedAt, $0.id) }
            outcomes.append(.done(try Reply(json: page)))
        }
        return outcomes
    }

    /// Answers at once for an order that has settled, and when it settles for others.
    func wait(_ items: [IncomingMessage<WaitForOrder>], on transaction: any SQLConnection) async throws -> [Outcome] {
        // The lock keeps the order from settling between this check and the registration of the waiting requester.
        let orders = try await Store.lock(items.map(\.input.order.id), on: transaction)
        var waiters: [Store.Waiter] = []
        let outcomes: [Outcome] = try items.map { item in
            guard let order = orders[item.input.order.id] else { return .refused(.notFound("order")) }
            if order.checkout.endsWait {
                let view = try CheckoutView(order)
                return .done(try Reply(headers: ["location": view.location], json: view))
            }
            if let requester = item.request.requester {
                let latest = clock.now().addingTimeInterval(Store.Waiter.longest)
                waiters.append(.init(order: order.id, requester: requester, until: item.request.deadline ?? latest))
            }
            return .done()
        }
        if !waiters.isEmpty { try await Store.addWaiters(waiters, on: transaction) }
        return outcomes
    }
}
