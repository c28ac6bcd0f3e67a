import Contracts
import PostgreSQL

/// One request of a batch with its input, decoded.
public struct Item<Input: Sendable>: Sendable {
    public let request: Request
    public let input: Input
}

/// What a service does with one kind of message. Handlers get what has gathered, as a set, and give an outcome for each,
/// in the same order.
public struct Operation: Sendable {
    /// The routing key: an `operationId` of openapi.yaml, a saga message, or an event.
    public let key: String
    let handler: Handler

    enum Handler: Sendable {
        /// Reads only; no inbox row, and no transaction.
        case query(@Sendable ([Request], any Database) async throws -> [Outcome])
        /// Runs inside the batch's one transaction.
        case transactional(@Sendable ([Request], any SQLConnection) async throws -> [Outcome])
        /// Calls something that no transaction can undo.
        case external(@Sendable ([Request], any SQLConnection) async throws -> Prepared)
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
    /// A query: it has no effect, so it may be answered twice.
    public static func query<Input: Sendable>(
        _ key: String, reading read: @escaping @Sendable (Request) throws -> Input,
        handle: @escaping @Sendable ([Item<Input>], any SQLConnection) async throws -> [Outcome]
    ) -> Operation {
        Operation(
            key: key,
            handler: .query { requests, database in
                try await decoding(requests, read) { items in
                    try await database.withConnection { try await handle(items, $0) }
                }
            })
    }

    /// A command whose whole effect is in the database.
    public static func command<Input: Sendable>(
        _ key: String, reading read: @escaping @Sendable (Request) throws -> Input,
        handle: @escaping @Sendable ([Item<Input>], any SQLConnection) async throws -> [Outcome]
    ) -> Operation {
        Operation(
            key: key,
            handler: .transactional { requests, transaction in
                try await decoding(requests, read) { try await handle($0, transaction) }
            })
    }

    /// A command that reaches outside the database: `prepare` commits the intention, `perform` acts on it outside any transaction, `complete`
    /// commits what came of it. All three may run again for the same message, so `perform` must be idempotent.
    public static func external<Input: Sendable, Plan: Sendable, PerformResult: Sendable>(
        _ key: String, reading read: @escaping @Sendable (Request) throws -> Input,
        prepare: @escaping @Sendable ([Item<Input>], any SQLConnection) async throws -> [Plan],
        perform: @escaping @Sendable ([(item: Item<Input>, plan: Plan)]) async throws -> [PerformResult],
        complete: @escaping @Sendable ([(item: Item<Input>, plan: Plan, result: PerformResult)], any SQLConnection)
            async throws -> [Outcome]
    ) -> Operation {
        Operation(
            key: key,
            handler: .external { requests, transaction in
                var inputs: [Swift.Result<Input, any Error>] = []
                for request in requests { inputs.append(Swift.Result { try read(request) }) }
                let items = zip(requests, inputs).compactMap { request, input in
                    (try? input.get()).map { Item(request: request, input: $0) }
                }
                let readable = inputs
                let plans = items.isEmpty ? [] : try await prepare(items, transaction)
                try expect(plans.count, items.count, "plans")
                return Prepared {
                    let results = items.isEmpty ? [] : try await perform(Array(zip(items, plans)).map { (item: $0, plan: $1) })
                    try expect(results.count, items.count, "results")
                    return Performed { isNew, transaction in
                        var place = 0
                        var outcomes: [Outcome?] = []
                        var open: [(item: Item<Input>, plan: Plan, result: PerformResult)] = []
                        for (index, request) in requests.enumerated() {
                            if case .failure(let error) = readable[index] {
                                if isNew[index] { outcomes.append(unreadable(request, error)) }
                                continue
                            }
                            if isNew[index] {
                                open.append((items[place], plans[place], results[place]))
                                outcomes.append(nil)
                            }
                            place += 1
                        }
                        let completed = open.isEmpty ? [] : try await complete(open, transaction)
                        try expect(completed.count, open.count, "outcomes")
                        var rest = completed.makeIterator()
                        return outcomes.compactMap { $0 ?? rest.next() }
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

/// Hands the requests that could be decoded to `handle`, and puts the outcomes back in the order of the requests.
func decoding<Input: Sendable>(
    _ requests: [Request], _ read: (Request) throws -> Input, _ handle: ([Item<Input>]) async throws -> [Outcome]
) async throws -> [Outcome] {
    var outcomes: [Outcome?] = Array(repeating: nil, count: requests.count)
    var items: [Item<Input>] = []
    var places: [Int] = []
    for (index, request) in requests.enumerated() {
        do {
            items.append(Item(request: request, input: try read(request)))
            places.append(index)
        } catch {
            outcomes[index] = unreadable(request, error)
        }
    }
    if !items.isEmpty {
        let handled = try await handle(items)
        try expect(handled.count, items.count, "outcomes")
        for (place, outcome) in zip(places, handled) { outcomes[place] = outcome }
    }
    return outcomes.compactMap(\.self)
}

/// Bad input: whoever waits for an answer is told; where nobody waits it is a dead letter.
func unreadable(_ request: Request, _ error: any Error) -> Outcome {
    if let problem = error as? Problem, request.requester != nil { return .refused(problem) }
    return .failed(Failure(error))
}

/// A handler that loses count of its batch must not have its outcomes given to the wrong messages.
func expect(_ count: Int, _ expected: Int, _ what: String) throws(Failure) {
    if count != expected {
        throw Failure("handler-miscount", "\(count) \(what) for a batch of \(expected)")
    }
}
