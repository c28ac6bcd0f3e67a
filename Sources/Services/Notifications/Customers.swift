import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL

/// What notifications hold about a customer: where mails about the account and the orders went.
struct Customers: Sendable {
    /// In one export, the newest of them.
    static let exported = 1_000

    func export(_ items: [IncomingMessage<NotificationsOfCustomer>], on connection: any SQLConnection) async throws -> [Outcome] {
        var outcomes: [Outcome] = []
        for item in items {
            outcomes.append(.done(try Reply(json: try await Store.list(of: item.input, limit: Self.exported, on: connection))))
        }
        return outcomes
    }

    func erase(_ items: [IncomingMessage<Customer>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await forget("user_id = ANY(\(items.map(\.input.userID)))", on: transaction)
        try await Preferences.forget(items.map(\.input.userID), on: transaction)
        return try items.map { item in
            .done(emit: [
                try OutgoingMessage(.request(MessageName.customerErased), CustomerErased(userID: item.input.userID, service: NotificationsService.name))
            ])
        }
    }

    func eraseOrders(_ items: [IncomingMessage<ErasedOrders>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await forget("order_id = ANY(\(items.flatMap(\.input.orders)))", on: transaction)
        return items.map { _ in .done() }
    }

    private func forget(_ selected: SQL, on transaction: any SQLConnection) async throws {
        // The addresses are read from the notifications, which lose them afterwards.
        try await ReceiptStore.erase(selected, on: transaction)
        try await transaction.enqueue("UPDATE notifications SET recipient = \(Erased.email), detail = NULL, delivery_detail = NULL WHERE " + selected)
        try await WaitingStore.erase(selected, on: transaction)
    }
}
