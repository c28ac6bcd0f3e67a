import Contracts
import Messaging
import PostgreSQL

extension Reading {
    /// `orders.orders.states`
    func states(_ items: [IncomingMessage<OrderStatesQuery>], on connection: any SQLConnection) async throws -> [Outcome] {
        var outcomes: [Outcome] = []
        for item in items {
            let asked = item.input.orders.prefix(OrderStatesQuery.maximum)
            let orders = try await Store.find(Array(asked), on: connection)
            outcomes.append(.done(try Reply(json: OrderStates(counts: Dictionary(orders.values.map { ($0.state, 1) }, uniquingKeysWith: +)))))
        }
        return outcomes
    }
}
