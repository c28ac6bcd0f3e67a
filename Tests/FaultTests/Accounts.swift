import AMQP
import Contracts
import FoundationEssentials
import JSON
import Messaging
import PostgreSQL

/// A minimal service, in the place of payments: it adds amounts to accounts, and notifies notifications of each.
enum Accounts {
    static let service = "payments"
    static let queue = "payments.commands"
    static let operation = "payments.charge"
    /// The queue of its event.
    static let notices = "notifications.commands"
    static let event = "order.confirmed"

    struct Entry: Codable, Sendable {
        let account: String
        var amount = 1
    }

    /// Called within the transaction, for each entry, before it takes effect.
    typealias Disturbance = @Sendable (Entry) async throws -> Void

    static let migrations =
        Inbox.migrations + [
            Migration(id: "accounts", sql: "CREATE TABLE accounts (name text PRIMARY KEY, balance bigint NOT NULL)")
        ]

    static func definition(_ disturb: @escaping Disturbance) -> ServiceDefinition {
        let add = Operation.command(operation, reading: Operation.contract(Entry.self)) { items, transaction in
            var outcomes: [Outcome] = []
            for item in items {
                try await disturb(item.input)
                try await transaction.execute(
                    """
                    INSERT INTO accounts (name, balance) VALUES (\(item.input.account), \(item.input.amount))
                    ON CONFLICT (name) DO UPDATE SET balance = accounts.balance + excluded.balance
                    """)
                outcomes.append(.done(emit: [try OutgoingMessage(.event(event), item.input)]))
            }
            return outcomes
        }
        return ServiceDefinition(name: service, operations: [add], queues: [queue])
    }

    /// Messages that add 1 to the account each; with a deadline this many seconds from now, as the ingress sets it on commands.
    static func messages(_ count: Int, to account: String = "a", deadline: Double? = nil) throws -> [Publication] {
        try (0..<count).map { _ in
            let now = SystemTime().now()
            var request = Request(id: UUID(), operation: operation, body: try JSON.encode(Entry(account: account)))
            request.deadline = deadline.map { now.addingTimeInterval($0) }
            return request.publication(durability: deadline == nil ? .durable : .command, now: now)
        }
    }
}

extension Scene {
    func balance(_ account: String = "a") async throws -> Int {
        let database = try PostgresPool(url: databaseURL, size: 1, schema: Accounts.service, logger: quiet)
        let rows = try await database.withConnection { connection in
            try await connection.query("SELECT balance FROM accounts WHERE name = \(account)").map { try $0.decode("balance", as: Int.self) }
        }
        await database.close()
        return rows.first ?? 0
    }

    /// Waits for this many messages that report an entry, each under an id of its own.
    func notices(_ count: Int) async throws -> [Delivery] {
        try await take(from: Accounts.notices) { Set($0.map(\.properties.messageID)).count >= count }
    }
}
