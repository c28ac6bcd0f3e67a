import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Runtime

/// The payment methods that customers have saved.
struct Methods: Sendable {
    let gateways: Gateways

    func list(_ items: [IncomingMessage<ListMethods>], on connection: any SQLConnection) async throws -> [Outcome] {
        let lists = try await MethodStore.lists(items.map(\.input), on: connection)
        return try zip(items, lists).map { item, methods in
            .done(try Reply(json: try Page(methods, item.input.page) { PageRequest.key($0.createdAt, $0.id) }))
        }
    }

    func find(_ items: [IncomingMessage<SavedMethodQuery>], on connection: any SQLConnection) async throws -> [Outcome] {
        var outcomes: [Outcome] = []
        for item in items {
            outcomes.append(.done(try Reply(json: SavedMethodList(items: try await MethodStore.find(item.input.methods, on: connection)))))
        }
        return outcomes
    }

    /// From here on it cannot be used in this shop; the gateway detaches it soon after.
    func delete(_ items: [IncomingMessage<OwnMethod>], on transaction: any SQLConnection) async throws -> [Outcome] {
        var outcomes: [Outcome] = []
        for item in items {
            guard let detach = try await MethodStore.delete(item.input, on: transaction) else {
                outcomes.append(.refused(.notFound("payment method")))
                continue
            }
            outcomes.append(.done(.noContent, emit: [try OutgoingMessage(.request(MessageName.detachPaymentMethod), detach)]))
        }
        return outcomes
    }

    func detach(_ items: [(item: IncomingMessage<DetachMethod>, plan: Void)]) async throws -> [Failure?] {
        await items.concurrentMap(limit: Charging.maximumConcurrent) { item -> Failure? in
            do throws(GatewayError) {
                try await gateways[item.item.input.gateway].detachMethod(item.item.input.method)
                return nil
            } catch {
                return Failure(error)
            }
        }
    }

    func complete(
        _ items: [(item: IncomingMessage<DetachMethod>, plan: Void, result: Failure?)], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        try await MethodStore.dropDetached(items.filter { $0.result == nil }.map(\.item.input), on: transaction)
        return items.map { $0.result.map(Outcome.failed) ?? .done() }
    }
}

struct ListMethods: Sendable {
    let userID: UUID
    let page: PageRequest
    let after: (Date, UUID)?

    static func read(_ request: Request) throws -> ListMethods {
        try Fields.read(request) { fields in
            let page = fields.page()
            return ListMethods(userID: try request.callerID, page: page, after: fields.position(page))
        }
    }
}

struct OwnMethod: Sendable {
    let userID: UUID
    let id: UUID

    static func read(_ request: Request) throws -> OwnMethod {
        try Fields.read(request) { fields in
            OwnMethod(userID: try request.callerID, id: try fields.uuidParameter("id", of: "payment method"))
        }
    }
}

extension Request {
    /// The ingress requires a session for these operations.
    fileprivate var callerID: UUID {
        get throws {
            guard let caller else { throw Failure("malformed-message", "\(operation) without a caller") }
            return caller.id
        }
    }
}
