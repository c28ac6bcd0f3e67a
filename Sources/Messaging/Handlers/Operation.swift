import Contracts
import JSON
import PostgreSQL

/// One request of a batch with its decoded input.
public struct IncomingMessage<Input: Sendable>: Sendable {
    public let request: Request
    public let input: Input
}

/// What a service does with one kind of message. Handlers get what has gathered, as a set, and give an outcome for each,
/// in the same order.
public struct Operation: Sendable {
    /// The routing key: an `operationId` of openapi.yaml, a saga message, or an event.
    public let key: String
    let handler: Handler
    /// Nil where the queue decides: the whole body, or nothing of it on a queue of credentials.
    var fingerprint: Fingerprint.Scope?

    var isQuery: Bool { if case .query = handler { true } else { false } }

    enum Handler: Sendable {
        /// Reads only; no inbox row, and no transaction.
        case query(@Sendable ([Request], any Database) async throws -> [Outcome])
        /// Runs inside the batch's one transaction.
        case transactional(@Sendable ([Request], any SQLConnection) async throws -> [Outcome])
        /// Calls something that no transaction can undo, after a transaction that commits the intention.
        case external(@Sendable ([Request], any SQLConnection) async throws -> Prepared)
        /// Asks something before its transaction; nothing needs to be known of it beforehand.
        case lookup(@Sendable ([Request], any Database) async throws -> Performed)
    }

    /// What is left to do of an external operation once its intentions are committed.
    struct Prepared: Sendable {
        let perform: @Sendable () async throws -> Performed
    }

    /// What is left to do once the outside world was acted upon. `isNew` tells for each request whether the inbox still knows nothing of it;
    /// the outcomes are for those that are new.
    struct Performed: Sendable {
        let complete: @Sendable (_ isNew: [Bool], any SQLConnection) async throws -> [Outcome]
    }
}

extension Operation {
    /// The same operation, which tells requests under one idempotency key apart by these members of the body alone. For bodies with a secret in them:
    /// the inbox keeps a hash of what is named here.
    public func fingerprinted(by members: String...) -> Operation {
        var operation = self
        operation.fingerprint = .members(members)
        return operation
    }
}

extension Operation {
    /// A query: it has no effect, so it may be answered twice.
    public static func query<Input: Sendable>(
        _ key: String, reading read: @escaping @Sendable (Request) throws -> Input,
        handle: @escaping @Sendable ([IncomingMessage<Input>], any SQLConnection) async throws -> [Outcome]
    ) -> Operation {
        Operation(
            key: key,
            handler: .query { requests, database in
                try await decoding(requests, read) { items in
                    try await database.withConnection { try await handle(items, $0) }
                }
            })
    }

    /// A query that has to ask another service: `answer` borrows a connection for as long as it reads, and holds none while it waits.
    public static func compositeQuery<Input: Sendable>(
        _ key: String, reading read: @escaping @Sendable (Request) throws -> Input,
        answer: @escaping @Sendable ([IncomingMessage<Input>], any Database) async throws -> [Outcome]
    ) -> Operation {
        Operation(key: key, handler: .query { requests, database in try await decoding(requests, read) { try await answer($0, database) } })
    }

    /// Whether a command shares its transaction with the other kinds of a batch.
    public enum Transaction: Sendable {
        case shared
        /// For a command that takes the locks of others in an order of its own: two batches that hold several such kinds would take them in no common order.
        case own
    }

    /// A command whose whole effect is in the database.
    public static func command<Input: Sendable>(
        _ key: String, transaction: Transaction = .shared, reading read: @escaping @Sendable (Request) throws -> Input,
        handle: @escaping @Sendable ([IncomingMessage<Input>], any SQLConnection) async throws -> [Outcome]
    ) -> Operation {
        switch transaction {
        case .own: command(key, reading: read, lookup: { _, _ in }, handle: { items, _, transaction in try await handle(items, transaction) })
        case .shared:
            Operation(
                key: key,
                handler: .transactional { requests, transaction in
                    try await decoding(requests, read) { try await handle($0, transaction) }
                })
        }
    }

    /// A command that reaches outside the database: `prepare` commits the intention, `perform` acts on it outside any transaction, `complete`
    /// commits what came of it. All three may run again for the same message, so `perform` must be idempotent.
    public static func external<Input: Sendable, Plan: Sendable, PerformResult: Sendable>(
        _ key: String, reading read: @escaping @Sendable (Request) throws -> Input,
        prepare: @escaping @Sendable ([IncomingMessage<Input>], any SQLConnection) async throws -> [Plan],
        perform: @escaping @Sendable ([(item: IncomingMessage<Input>, plan: Plan)]) async throws -> [PerformResult],
        complete: @escaping @Sendable ([(item: IncomingMessage<Input>, plan: Plan, result: PerformResult)], any SQLConnection)
            async throws -> [Outcome]
    ) -> Operation {
        Operation(
            key: key,
            handler: .external { requests, transaction in
                let readings = Readings(requests, read)
                let plans = readings.items.isEmpty ? [] : try await prepare(readings.items, transaction)
                try expect(plans.count, readings.items.count, "plans")
                return Prepared {
                    let planned = Array(zip(readings.items, plans)).map { (item: $0, plan: $1) }
                    let results = planned.isEmpty ? [] : try await perform(planned)
                    try expect(results.count, planned.count, "results")
                    return Performed { isNew, transaction in
                        try await readings.outcomes(isNew) { places in
                            try await complete(places.map { (readings.items[$0], plans[$0], results[$0]) }, transaction)
                        }
                    }
                }
            })
    }

    /// A command that has to ask another service first: `lookup` runs outside any transaction, may read the database, and changes nothing; `handle` receives
    /// its result, in a transaction of its own.
    public static func command<Input: Sendable, Found: Sendable>(
        _ key: String, reading read: @escaping @Sendable (Request) throws -> Input,
        lookup: @escaping @Sendable ([IncomingMessage<Input>], any Database) async throws -> Found,
        handle: @escaping @Sendable ([IncomingMessage<Input>], Found, any SQLConnection) async throws -> [Outcome]
    ) -> Operation {
        Operation(
            key: key,
            handler: .lookup { requests, database in
                let readings = Readings(requests, read)
                let found = try await lookup(readings.items, database)
                return Performed { isNew, transaction in
                    try await readings.outcomes(isNew) { places in
                        try await handle(places.map { readings.items[$0] }, found, transaction)
                    }
                }
            })
    }

    /// The body of a saga message or an event, exactly as `Contracts` declares it.
    public static func contract<Message: Decodable & Sendable>(
        _ type: Message.Type
    ) -> @Sendable (Request) throws -> Message {
        { request in
            do {
                return try JSON.decode(type, from: request.body)
            } catch {
                throw Failure("malformed-message", "\(request.operation): \(error)")
            }
        }
    }
}

/// The requests of a batch, decoded as far as they can be.
private struct Readings<Input: Sendable>: Sendable {
    /// Those that could be decoded.
    let items: [IncomingMessage<Input>]
    /// For each request its place among the items, or what is wrong with it.
    private let places: [Result<Int, any Error>]
    private let requests: [Request]

    init(_ requests: [Request], _ read: (Request) throws -> Input) {
        var items: [IncomingMessage<Input>] = []
        places = requests.map { request in
            Result {
                items.append(IncomingMessage(request: request, input: try read(request)))
                return items.count - 1
            }
        }
        self.items = items
        self.requests = requests
    }

    /// An outcome for each request that is new, in their order; `handle` is given the places of those that could be decoded.
    func outcomes(_ isNew: [Bool], _ handle: ([Int]) async throws -> [Outcome]) async throws -> [Outcome] {
        var open: [Int] = []
        var outcomes: [Outcome?] = []
        for index in requests.indices where isNew[index] {
            switch places[index] {
            case .success(let place):
                open.append(place)
                outcomes.append(nil)
            case .failure(let error):
                outcomes.append(unreadable(requests[index], error))
            }
        }
        let handled = open.isEmpty ? [] : try await handle(open)
        try expect(handled.count, open.count, "outcomes")
        var rest = handled.makeIterator()
        return outcomes.compactMap { $0 ?? rest.next() }
    }
}

/// Hands the requests that could be decoded to `handle`, and puts the outcomes back in the order of the requests.
private func decoding<Input: Sendable>(
    _ requests: [Request], _ read: (Request) throws -> Input, _ handle: ([IncomingMessage<Input>]) async throws -> [Outcome]
) async throws -> [Outcome] {
    let readings = Readings(requests, read)
    return try await readings.outcomes(requests.map { _ in true }) { _ in try await handle(readings.items) }
}

/// Bad input: whoever waits for an answer is told; where nobody waits it is a dead letter.
func unreadable(_ request: Request, _ error: any Error) -> Outcome {
    switch error {
    case let problem as Problem where request.requester != nil:
        var reply = Reply(problem)
        reply.isUnread = true
        return .done(reply)
    case is Problem, is Failure: return .failed(Failure(error))
    // A reader sees nothing but the message, so whatever stops it is in there.
    default: return .failed(Failure("malformed-message", "\(request.operation): \(error)"))
    }
}

/// A handler that loses count of its batch must not have its outcomes given to the wrong messages. The next version may count better.
func expect(_ count: Int, _ expected: Int, _ what: String) throws(Failure) {
    if count != expected {
        throw Failure("handler-miscount", "\(count) \(what) for a batch of \(expected)", remedy: .retry)
    }
}
