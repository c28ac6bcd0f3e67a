import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime

/// Deletes a customer's account. It is gone at once with all that belongs to it; every other service that holds something about the customer erases it in its own
/// time and answers. Orders stay, without a name to them.
///
/// What inboxes remember of handled messages is not searched: it is dropped after ``Inbox/retention`` days. Dead letters are left to the operator who settles them.
struct Leaving: Sendable {
    /// The message that each service erases by, and answers with ``CustomerErased``.
    static let messages = [
        "carts": MessageName.eraseInCarts, "orders": MessageName.eraseInOrders, "notifications": MessageName.eraseInNotifications,
        "payments": MessageName.eraseInPayments,
    ]
    /// A service that has not answered by then is asked again.
    static let answerTimeout: TimeInterval = 600
    static let interval: Duration = .seconds(60)
    /// Services asked again at once.
    static let found = 100

    let clock: any WallClock

    func delete(_ items: [IncomingMessage<Own>], on transaction: any SQLConnection) async throws -> [Outcome] {
        var accounts = try await Store.lockedAccounts(items.map(\.input.userID), on: transaction)
        var outcomes: [Outcome] = []
        for item in items {
            guard let account = accounts.removeValue(forKey: item.input.userID) else {
                outcomes.append(.refused(.notFound("account")))
                continue
            }
            // An administrator who did this by mistake might leave no one who can undo it.
            if account.role == .admin {
                outcomes.append(.refused(.ownAccount))
                continue
            }
            try await Store.erase(account.id, awaiting: Self.messages.keys.sorted(), now: clock.now(), on: transaction)
            let messages = try Self.messages.sorted { $0.key < $1.key }.map { try OutgoingMessage(.request($0.value), Customer(userID: account.id)) }
            outcomes.append(.done(.noContent, emit: [try .sessionRevoked(account.id)] + messages))
        }
        return outcomes
    }

    func advance(_ items: [IncomingMessage<CustomerErased>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await transaction.enqueue(
            """
            UPDATE erasures SET done_at = \(clock.now())
            FROM unnest(\(items.map(\.input.userID)), \(items.map(\.input.service))) AS done (user_id, service)
            WHERE erasures.user_id = done.user_id AND erasures.service = done.service AND done_at IS NULL
            """)
        return items.map { _ in .done() }
    }

    /// Messages for services that have not answered.
    func findUnanswered(on transaction: any SQLConnection) async throws -> [OutgoingMessage] {
        let now = clock.now()
        let rows = try await transaction.query(
            """
            UPDATE erasures SET asked_at = \(now)
            WHERE (user_id, service) IN (
                SELECT user_id, service FROM erasures WHERE done_at IS NULL AND asked_at < \(now.addingTimeInterval(-Self.answerTimeout))
                ORDER BY asked_at LIMIT \(Self.found) FOR UPDATE SKIP LOCKED)
            RETURNING user_id, service
            """)
        return try rows.compactMap { row in
            try Self.messages[try row.decode("service")].map { try OutgoingMessage(.request($0), Customer(userID: try row.decode("user_id"))) }
        }
    }
}

extension Store {
    /// Sessions, links and addresses go with the account. What is left says which services have still to answer.
    fileprivate static func erase(_ user: UUID, awaiting services: [String], now: Date, on transaction: any SQLConnection) async throws {
        try await transaction.enqueue("DELETE FROM accounts WHERE id = \(user)")
        try await transaction.enqueue(
            """
            INSERT INTO erasures (user_id, service, requested_at, asked_at)
            SELECT \(user), service, \(now), \(now) FROM unnest(\(services)) AS service
            ON CONFLICT DO NOTHING
            """)
    }
}
