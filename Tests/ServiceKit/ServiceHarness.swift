import Contracts
import FoundationEssentials
import Logging
import PostgreSQL
import Synchronization
import TestKit

@testable import JSON
@testable import Messaging
@testable import Runtime

/// A service over a database of its own, asked the way a worker asks it: batches through the inbox, queries beside it.
struct ServiceHarness: Sendable {
    let url: String
    let database: PostgresPool
    let clock: SetClock
    private let operations: [String: Operation]
    private let handler: BatchHandler

    /// - Parameter keepsToIndexes: Whether statements are planned as in production, once for all values.
    init(_ service: ServiceDefinition, _ migrations: [Migration], clock: SetClock, keepsToIndexes: Bool = false) async throws {
        url = try await TestServers.freshDatabase()
        try await Migrator.migrate(migrations, schema: service.name, on: url, logger: Logger(label: "test"))
        database = try PostgresPool(url: url, schema: service.name, keepsToIndexes: keepsToIndexes, logger: Logger(label: "test"))
        self.clock = clock
        operations = Dictionary(uniqueKeysWithValues: service.operations.map { ($0.key, $0) })
        handler = BatchHandler(inbox: Inbox(service: service.name), database: database, clock: clock)
        try await InboxPartitions(of: database, clock: clock).prepare()
    }

    /// The outcome of each command of one batch.
    func send(_ requests: [Request]) async -> [BatchHandler.Result] {
        await handler.handle(requests, by: operations)
    }

    func send(_ request: Request) async throws -> Reply {
        try await send([request])[0].reply
    }

    func ask(_ requests: [Request]) async throws -> [Reply] {
        guard let key = requests.first?.operation, case .query(let handle)? = operations[key]?.handler else { return [] }
        return try await handle(requests, database).map { outcome in
            switch outcome {
            case .done(let reply, _, _): reply ?? Reply(status: 0)
            case .ignored: Reply(status: 0)
            case .failed(let failure): throw failure
            }
        }
    }

    func ask(_ request: Request) async throws -> Reply {
        try await ask([request])[0]
    }

    func count(_ sql: SQL) async throws -> Int {
        try await database.withConnection { try await $0.query(sql) }[0].decode(0)
    }
}

extension BatchHandler.Result {
    /// Throws the failure where there is no reply.
    var reply: Reply {
        get throws {
            switch self {
            case .handled(let outgoing, _, _): outgoing.reply ?? Reply(status: 0)
            case .expired: Reply(status: 0)
            case .failed(let failure): throw failure
            }
        }
    }

    var outputs: [OutgoingMessage] {
        if case .handled(let outgoing, _, _) = self { outgoing.messages } else { [] }
    }

    var failure: Failure? {
        if case .failed(let failure) = self { failure } else { nil }
    }
}

extension Reply {
    func decoded<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        try JSON.decode(type, from: body)
    }

    var problem: Problem? { try? JSON.decode(Problem.self, from: body) }
}

extension Request {
    /// A request as the ingress makes it, with a client that waits for the answer.
    init(
        _ operation: String, _ body: [String: String]? = nil, parameters: [String: String] = [:], caller: Caller? = nil,
        id: UUID = UUID(), deadline: Date? = nil
    ) throws {
        self.init(
            id: id, operation: operation, parameters: parameters, caller: caller, body: try body.map { try JSON.encode($0) } ?? [],
            deadline: deadline, requester: Requester(replyTo: "replies.test", correlationID: id.uuidString))
    }

    /// A message as another service sends it: nobody waits for an answer.
    init(_ operation: String, sending value: some Encodable) throws {
        self.init(id: UUID(), operation: operation, body: try JSON.encode(value))
    }
}

/// A clock that a test sets; sleeping on it lets other tasks run and takes no time.
final class SetClock: WallClock {
    private let time = Mutex(Date(timeIntervalSince1970: 1_780_000_000))

    func now() -> Date { time.withLock { $0 } }
    var isSimulated: Bool { true }
    func advance(by seconds: TimeInterval) { time.withLock { $0 += seconds } }

    func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        await Task.yield()
    }
}

struct TestRandomness: Randomness {
    func uuid() -> UUID { UUID() }
    func fraction() -> Double { .random(in: 0..<1) }
}

extension OutgoingMessage {
    var text: String { String(decoding: body, as: UTF8.self) }
    var isReplay: Bool { if case .replay = destination { true } else { false } }
}
