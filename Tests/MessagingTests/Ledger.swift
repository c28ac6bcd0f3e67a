import AMQP
import Contracts
import FoundationEssentials
import Logging
import PostgreSQL
import TestKit

@testable import JSON
@testable import Messaging

/// A minimal service: it adds amounts to accounts.
struct Ledger {
    struct Entry: Codable, Sendable {
        let account: String
        let amount: Int
    }

    static let migration = Migration(
        id: "ledger", sql: "CREATE TABLE accounts (name text PRIMARY KEY, balance bigint NOT NULL CHECK (balance <= 1000))")

    /// An account named `poison` makes any transaction that touches it fail.
    static let add = Operation.command("ledger.add", reading: Operation.contract(Entry.self)) { try await add($0.map(\.input), on: $1) }

    static func add(_ entries: [Entry], on transaction: any SQLConnection) async throws -> [Outcome] {
        var outcomes: [Outcome] = []
        for entry in entries {
            if entry.account == "poison" { throw Failure("poison", "cannot be handled") }
            if entry.account == "later" {
                outcomes.append(.failed(Failure("not-now", "try again", remedy: .retry)))
                continue
            }
            try await transaction.execute(
                """
                INSERT INTO accounts (name, balance) VALUES (\(entry.account), \(entry.amount))
                ON CONFLICT (name) DO UPDATE SET balance = accounts.balance + excluded.balance
                """)
            outcomes.append(
                .done(
                    try Reply(status: 201, json: entry),
                    emit: [try OutgoingMessage(.event("ledger.added"), entry)]))
        }
        return outcomes
    }

    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    let url: String
    let database: PostgresPool
    let consumer = ScriptedConsumer()
    let publisher: ScriptedPublisher
    let replies = ScriptedPublisher()
    let clock = ManualClock()
    let randomness = CountingRandomness()

    /// - Parameter defaults: settings that the database has for all sessions.
    init(defaults: [String] = [], answer: @escaping @Sendable (Publication) -> PublishOutcome = { _ in .confirmed }) async throws {
        url = try await TestServers.freshDatabase()
        let logger = Self.logger
        for setting in defaults {
            let administrator = try PostgresPool(url: url, size: 1, logger: logger)
            try await administrator.withConnection { connection in
                let name: String = try await connection.query("SELECT current_database()::text")[0].decode(0)
                _ = try await connection.execute("ALTER DATABASE \(raw: name) SET \(raw: setting)")
            }
            await administrator.close()
        }
        _ = try await Migrator.migrate(Inbox.migrations + [Self.migration], schema: "ledger", on: url, logger: logger)
        database = try PostgresPool(url: url, size: 4, schema: "ledger", logger: logger)
        try await InboxPartitions(of: database, clock: clock).prepare()
        publisher = ScriptedPublisher(answer: answer)
    }

    /// - Parameters:
    ///   - database: in place of the ledger's own.
    ///   - publisher: in place of the ledger's own.
    ///   - redacts: the queue's messages hold credentials.
    func processor(
        _ operations: [Operation] = [Self.add], database: (any Database)? = nil, publisher: (any MessagePublisher)? = nil, redacts: Bool = false,
        logger: Logger = Self.logger
    ) -> BatchProcessor {
        let database = database ?? self.database
        return BatchProcessor(
            queue: "ledger.commands", limit: WorkerLimits().batch, operations: Dictionary(uniqueKeysWithValues: operations.map { ($0.key, $0) }),
            handler: BatchHandler(inbox: Inbox(service: "ledger"), database: database, clock: clock), database: database,
            consumer: consumer, publisher: publisher ?? self.publisher, replies: replies,
            failureRouting: FailureRouting(ladder: .standard, worker: "test", randomness: randomness, redacts: redacts), clock: clock,
            metrics: WorkerMetrics(service: "ledger", queue: "ledger.commands"), held: HeldMessages(),
            logger: logger)
    }

    func delivery(
        _ entry: Entry, id: UUID, tag: UInt64, key: String? = nil, deadline: Date? = nil, operation: String = "ledger.add"
    ) throws -> Delivery {
        var request = Request(id: id, operation: operation, body: try JSON.encode(entry))
        request.requester = Requester(replyTo: "replies", correlationID: "c\(tag)")
        request.deadline = deadline
        if let key { request.parameters[Request.idempotencyKey] = key }
        return Self.delivery(request.publication(durability: .durable, now: clock.now()), tag: tag)
    }

    /// The publications with confirms, as their receivers see them: bundles opened.
    var sent: [Delivery] {
        publisher.publications.enumerated().flatMap { Bundle.open(Self.delivery($1, tag: UInt64($0))) }
    }

    static func delivery(_ publication: Publication, tag: UInt64, redelivered: Bool = false) -> Delivery {
        Delivery(
            tag: DeliveryTag(generation: 1, number: tag), exchange: publication.exchange,
            routingKey: publication.routingKey, redelivered: redelivered, properties: publication.properties,
            body: publication.body)
    }

    /// Messages on the retry ladder, as they were announced.
    var announced: [Delivery] {
        replies.publications.filter { $0.exchange == Exchange.waiting }.map { Self.delivery($0, tag: 0) }
    }

    /// HTTP statuses of the answers, in their order.
    var statuses: [Int] {
        replies.publications.filter { $0.exchange != Exchange.waiting }.map { Reply(Self.delivery($0, tag: 0)).status }
    }

    func balance(_ account: String) async throws -> Int? {
        try await database.withConnection {
            try await $0.query("SELECT balance FROM accounts WHERE name = \(account)").first?.decode("balance")
        }
    }
}
