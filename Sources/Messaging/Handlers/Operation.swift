import Contracts
import JSON
import PostgreSQL

/// One request of a batch with its decoded input.
public struct IncomingMessage<Input: Sendable>: Sendable {
    public let request: Request
    public let input: Input
}

/// What a service does with one kind of message. Handlers receive the gathered requests as a set and return an outcome for each,
/// in the same order.
public struct Operation: Sendable {
    /// The routing key: an `operationId` of openapi.yaml, a saga message, or an event.
    public let key: String
    let handler: Handler
    /// Nil where the queue decides: the whole body, or none of it on a queue of credentials.
    var fingerprint: Fingerprint.Scope?

    var isQuery: Bool { if case .query = handler { true } else { false } }

    enum Handler: Sendable {
        /// Read-only; no inbox row and no transaction.
        case query(@Sendable ([Request], any Database) async throws -> [Outcome])
        /// Runs inside the batch's single transaction.
        case transactional(@Sendable ([Request]) -> Performed)
        /// Calls something that no transaction can undo, after a transaction has committed the intention.
        case external(@Sendable ([Request]) -> Intention)
        /// Looks something up before its transaction; no intention has to be recorded first.
        case lookup(@Sendable ([Request], any Database) async throws -> Performed)
    }

    /// An external operation before its first transaction. `isNew` says for each request whether the inbox does not know it yet.
    struct Intention: Sendable {
        /// The statements with which `prepare` begins when all requests are new (``ReadAhead``).
        let ahead: [SQL]
        let prepare: @Sendable (_ isNew: [Bool], any SQLConnection) async throws -> Prepared
    }

    /// The remaining work for the new requests once the intentions are committed.
    struct Prepared: Sendable {
        let perform: @Sendable () async throws -> Performed
    }

    /// The remaining work once everything outside the transaction is done. `isNew` says for each request whether the inbox does not know it yet;
    /// the outcomes are for the new ones.
    struct Performed: Sendable {
        /// The statements with which `complete` begins when all requests are new (``ReadAhead``).
        var ahead: @Sendable () -> [SQL] = { [] }
        let complete: @Sendable (_ isNew: [Bool], any SQLConnection) async throws -> [Outcome]
    }
}

extension Operation {
    /// The same operation, which distinguishes requests under one idempotency key by these members of the body alone. For bodies that contain a secret:
    /// the inbox keeps a hash of the members named here.
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

    /// A query that has to ask another service: `answer` borrows a connection only while it reads, and holds none while it waits.
    public static func compositeQuery<Input: Sendable>(
        _ key: String, reading read: @escaping @Sendable (Request) throws -> Input,
        answer: @escaping @Sendable ([IncomingMessage<Input>], any Database) async throws -> [Outcome]
    ) -> Operation {
        Operation(key: key, handler: .query { requests, database in try await decoding(requests, read) { try await answer($0, database) } })
    }

    /// Whether a command shares its transaction with the other kinds in a batch.
    public enum Transaction: Sendable {
        case shared
        /// For a command that takes the locks of other kinds in an order of its own: two batches with several such kinds would have no common lock order.
        case own
    }

    /// The statements with which a handler begins for these messages: its first call on the connection. They are sent before it runs, so they must not write
    /// (numbers of a sequence may get lost). They may take locks, in the order of their keys like all locks of a batch.
    public typealias Ahead<Input: Sendable> = @Sendable ([IncomingMessage<Input>]) -> [SQL]

    /// A command whose whole effect is in the database.
    public static func command<Input: Sendable>(
        _ key: String, transaction: Transaction = .shared, reading read: @escaping @Sendable (Request) throws -> Input, ahead: @escaping Ahead<Input> = { _ in [] },
        handle: @escaping @Sendable ([IncomingMessage<Input>], any SQLConnection) async throws -> [Outcome]
    ) -> Operation {
        switch transaction {
        case .own: command(key, reading: read, lookup: { _, _ in }, ahead: ahead, handle: { items, _, transaction in try await handle(items, transaction) })
        case .shared: Operation(key: key, handler: .transactional { Readings($0, read).completed(ahead: ahead, by: handle) })
        }
    }

    /// A command that reaches outside the database: `prepare` commits the intention, `perform` acts on it outside any transaction, `complete`
    /// commits the result. All three may run again for the same message, so `perform` must be idempotent.
    /// - Parameters:
    ///   - intending: The statements that are sent ahead of `prepare`.
    ///   - ahead: Those that are sent ahead of `complete`.
    public static func external<Input: Sendable, Plan: Sendable, PerformResult: Sendable>(
        _ key: String, reading read: @escaping @Sendable (Request) throws -> Input, intending: @escaping Ahead<Input> = { _ in [] },
        prepare: @escaping @Sendable ([IncomingMessage<Input>], any SQLConnection) async throws -> [Plan],
        perform: @escaping @Sendable ([(item: IncomingMessage<Input>, plan: Plan)]) async throws -> [PerformResult],
        ahead: @escaping Ahead<Input> = { _ in [] },
        complete:
            @escaping @Sendable ([(item: IncomingMessage<Input>, plan: Plan, result: PerformResult)], any SQLConnection)
            async throws -> [Outcome]
    ) -> Operation {
        Operation(
            key: key,
            handler: .external { requests in
                let readings = Readings(requests, read)
                return Intention(ahead: intending(readings.items)) { isNew, transaction in
                    let readings = readings.only(isNew)
                    let plans = try await each(of: readings.items) { try await prepare($0, transaction) }
                    return Prepared {
                        let planned = zip(readings.items, plans).map { (item: $0, plan: $1) }
                        let results = try await each(of: planned, perform)
                        return Performed(ahead: { ahead(readings.items) }) { isNew, transaction in
                            try await readings.outcomes(isNew) { places in
                                try await complete(places.map { (readings.items[$0], plans[$0], results[$0]) }, transaction)
                            }
                        }
                    }
                }
            })
    }

    /// A command that has to ask another service first: `lookup` runs outside any transaction, may read the database, and changes nothing; `handle` receives
    /// its result in a transaction of its own.
    public static func command<Input: Sendable, Found: Sendable>(
        _ key: String, reading read: @escaping @Sendable (Request) throws -> Input,
        lookup: @escaping @Sendable ([IncomingMessage<Input>], any Database) async throws -> Found, ahead: @escaping Ahead<Input> = { _ in [] },
        handle: @escaping @Sendable ([IncomingMessage<Input>], Found, any SQLConnection) async throws -> [Outcome]
    ) -> Operation {
        Operation(
            key: key,
            handler: .lookup { requests, database in
                let readings = Readings(requests, read)
                let found = try await lookup(readings.items, database)
                return readings.completed(ahead: ahead) { try await handle($0, found, $1) }
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
                throw Failure("malformed-message", "\(request.operation): \((error as? DecodingError)?.flaw ?? "\(error)")")
            }
        }
    }
}

/// The requests of a batch, with the decoded input of each that could be decoded.
private struct Readings<Input: Sendable>: Sendable {
    /// The requests that could be decoded.
    let items: [IncomingMessage<Input>]
    /// For each request its index in `items`, or its decoding error.
    private let places: [Result<Int, any Error>]
    private let requests: [Request]

    init(_ requests: [Request], _ read: (Request) throws -> Input) {
        self.init(requests, requests.map { request in Result { IncomingMessage(request: request, input: try read(request)) } })
    }

    private init(_ requests: [Request], _ readings: [Result<IncomingMessage<Input>, any Error>]) {
        var items: [IncomingMessage<Input>] = []
        places = readings.map { reading in
            reading.map { item in
                items.append(item)
                return items.count - 1
            }
        }
        self.items = items
        self.requests = requests
    }

    /// The readings of the new requests.
    func only(_ isNew: [Bool]) -> Readings {
        if !isNew.contains(false) { return self }
        let new = requests.indices.filter { isNew[$0] }
        return Readings(new.map { requests[$0] }, new.map { index in places[index].map { items[$0] } })
    }

    /// The work that remains for the transaction.
    func completed(
        ahead: @escaping Operation.Ahead<Input>, by handle: @escaping @Sendable ([IncomingMessage<Input>], any SQLConnection) async throws -> [Outcome]
    ) -> Operation.Performed {
        .init(ahead: { ahead(items) }) { isNew, transaction in
            try await outcomes(isNew) { places in try await handle(places.map { items[$0] }, transaction) }
        }
    }

    /// Returns an outcome for each new request, in order; `handle` receives the indices of those that could be decoded.
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
        var rest = try await each(of: open, handle).makeIterator()
        return outcomes.compactMap { $0 ?? rest.next() }
    }
}

/// Passes the requests that could be decoded to `handle`, and returns the outcomes in the order of the requests.
private func decoding<Input: Sendable>(
    _ requests: [Request], _ read: (Request) throws -> Input, _ handle: ([IncomingMessage<Input>]) async throws -> [Outcome]
) async throws -> [Outcome] {
    let readings = Readings(requests, read)
    return try await readings.outcomes(requests.map { _ in true }) { _ in try await handle(readings.items) }
}

/// Bad input: a requester who waits gets the error as a reply; without a requester the message becomes a dead letter.
func unreadable(_ request: Request, _ error: any Error) -> Outcome {
    switch error {
    case let problem as Problem where request.requester != nil:
        var reply = Reply(problem)
        reply.isUnread = true
        return .done(reply)
    case is Problem, is Failure: return .failed(Failure(error))
    // A reader sees only the message, so the message is at fault for any error.
    default: return .failed(Failure("malformed-message", "\(request.operation): \(error)"))
    }
}

/// Calls a step of a handler for all its elements at once, and returns a value for each, in their order. Without elements the step is not called.
///
/// Everything that handlers return passes through here, and is counted only here. A value for the wrong message could charge the wrong order, so a wrong number of values fails
/// all of them; a batch is then tried message by message. Types cannot rule this out at a reasonable cost: a collection that can only be mapped would guarantee the number,
/// but half of the handlers do not map their messages. They iterate over them and return early, match them with the rows of a pipeline, or pass some of them to another handler,
/// and each of them would still have to count.
private func each<Element, Value>(of elements: [Element], _ step: ([Element]) async throws -> [Value]) async throws -> [Value] {
    guard !elements.isEmpty else { return [] }
    let values = try await step(elements)
    guard values.count == elements.count else {
        // The next version may count correctly.
        throw Failure("handler-miscount", "\(values.count) values for \(elements.count) messages", remedy: .retry)
    }
    return values
}
