import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Runtime

/// What payments holds about a customer: the saved payment methods, and the gateways' ids of the customer. Attempts keep those ids, which lead nowhere once the gateway has
/// deleted its customer.
struct Customers: Sendable {
    enum GatewayResult: Sendable {
        case deleted([GatewayCustomer])
        case failed(Failure)
    }

    let gateways: Gateways
    let clock: any WallClock

    /// All methods of a customer, at most ``MethodStore/maximum``.
    func export(_ items: [IncomingMessage<Customer>], on connection: any SQLConnection) async throws -> [Outcome] {
        let page = PageRequest(limit: PageRequest.maximumLimit, after: nil)
        let lists = try await MethodStore.lists(items.map { ListMethods(userID: $0.input.userID, page: page, after: nil) }, on: connection)
        return try lists.map { .done(try Reply(json: $0)) }
    }

    func erase(_ items: [IncomingMessage<Customer>], on transaction: any SQLConnection) async throws -> [[GatewayCustomer]] {
        let saving = GatewayName.allCases.filter(\.savesMethods)
        let left = try await MethodStore.erase(items.map(\.input.userID), at: saving, now: clock.now(), on: transaction)
        return items.map { item in left.filter { $0.user == item.input.userID } }
    }

    func delete(_ items: [(item: IncomingMessage<Customer>, plan: [GatewayCustomer])]) async throws -> [GatewayResult] {
        await items.concurrentMap(limit: Charging.maximumConcurrent) { item -> GatewayResult in
            do throws(GatewayError) {
                for customer in item.plan { try await gateways[customer.gateway].deleteCustomer(customer.id) }
                return .deleted(item.plan)
            } catch {
                return .failed(Failure(error))
            }
        }
    }

    func complete(
        _ items: [(item: IncomingMessage<Customer>, plan: [GatewayCustomer], result: GatewayResult)], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        var deleted: [GatewayCustomer] = []
        let outcomes: [Outcome] = try items.map { item, _, result in
            switch result {
            case .failed(let failure): return .failed(failure)
            case .deleted(let customers):
                deleted += customers
                let answer = CustomerErased(userID: item.input.userID, service: PaymentsService.name)
                return .done(emit: [try OutgoingMessage(.request(MessageName.customerErased), answer)])
            }
        }
        try await MethodStore.forget(deleted, on: transaction)
        return outcomes
    }
}
