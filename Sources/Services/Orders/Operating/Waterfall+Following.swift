import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Secrets

extension Waterfall {
    /// The maximum length of a chain of messages: a usual checkout has seven, one that is given up twelve.
    static let maximumDepth = 20
    /// The maximum number of messages shown for one order: those of about forty repeated steps.
    static let maximumMessages = 250

    /// Follows the messages of an order from those that changed its saga.
    static func following(_ order: OrderRow, _ record: CheckoutRecord, in database: any Database, asking inboxes: Inboxes?) async throws -> Waterfall {
        var waterfall = Waterfall(maximum: maximumMessages)
        for root in try roots(order, record) { waterfall.addRoot(root.id, operation: root.operation) }
        var silent = inboxes == nil ? Set(Inboxes.others) : []
        var depth = 0
        while depth < maximumDepth, case let open = waterfall.open, !open.isEmpty {
            depth += 1
            let own = try await database.withConnection { try await InboxTrail.find(open.map(\.id), on: $0) }
            waterfall.learn(Array(own.values), of: OrdersService.name)
            let queries = Inboxes.others.filter { !silent.contains($0) }.map { service in
                (service: service, ids: open.filter { $0.mayBeHandled(by: service) }.map(\.id))
            }
            for (service, handled) in try await inboxes?.find(queries) ?? [] {
                if let handled { waterfall.learn(handled, of: service) } else { silent.insert(service) }
            }
            waterfall.close(open.map(\.id))
        }
        waterfall.unanswered = silent.sorted()
        return waterfall
    }

    /// The messages that the order itself knows.
    private static func roots(_ order: OrderRow, _ record: CheckoutRecord) throws -> [(id: UUID, operation: String?)] {
        var roots: [(UUID, String?)] = record.placedBy.map { [($0, MessageName.place)] } ?? []
        for action in record.actions { if let id = UUID(text: action.messageId) { roots.append((id, operation(action.action))) } }
        // A step by a person has the operation of its request, which is not recorded.
        for entry in try order.history.value { if let id = entry.message { roots.append((id, entry.by == nil ? MessageName.advance : nil)) } }
        return roots
    }

    private static func operation(_ action: String) -> String? {
        switch CheckoutAction.Kind(rawValue: action) {
        case .retried: OrdersService.retryCheckout
        case .abandoned: OrdersService.abandonCheckout
        case .assigned: OrdersService.assignCheckout
        case nil: nil
        }
    }
}
