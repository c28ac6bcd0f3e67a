import Contracts
import FoundationEssentials
import Logging
import PostgreSQL

/// Takes commands through the inbox and their handlers: one transaction for all that have gathered, and one by one when that fails,
/// so that a message that cannot be handled stops no neighbour.
struct BatchHandler: Sendable {
    /// How long a batch waits for PostgreSQL to come back before its messages go to the retry ladder.
    static let patience: Duration = .seconds(5)
    static let firstPause: Duration = .milliseconds(50)
    static let longestPause: Duration = .seconds(1)

    enum Result: Sendable {
        /// Committed, now or earlier. The ids of the outputs follow from when they were `recorded` (see `Output.id`); `reply` is the answer, where this
        /// service gives it.
        case handled(outputs: [Output], recorded: Date? = nil, reply: Reply?)
        case failed(Failure)
    }

    let inbox: Inbox
    let database: any Database
    let clock: any WallClock
    /// What counts of the bodies of operations that do not say so themselves.
    var fingerprint = Fingerprint.Scope.body

    func handle(_ requests: [Request], by operation: [String: Operation]) async -> [Result] {
        var waited: Duration = .zero
        var pause = Self.firstPause
        var hasMadePartitions = false
        while true {
            do {
                return try await attempt(requests, by: operation)
            } catch {
                let lacksPartition = Inbox.lacksPartition(error)
                if lacksPartition, !hasMadePartitions {
                    hasMadePartitions = true
                    try? await InboxPartitions(of: database, clock: clock).prepare()
                    continue
                }
                let failure = lacksPartition ? Failure("inbox-partition-missing", "\(error)", remedy: .retry) : Failure(error)
                if failure.remedy == .waitForServer {
                    guard waited < Self.patience, (try? await clock.sleep(for: pause)) != nil else {
                        return requests.map { _ in .failed(failure) }
                    }
                    waited += pause
                    pause = min(pause * 2, Self.longestPause)
                } else if requests.count == 1 {
                    return [.failed(failure)]
                } else {
                    var results: [Result] = []
                    for request in requests { results += await handle([request], by: operation) }
                    return results
                }
            }
        }
    }

    private func attempt(_ requests: [Request], by operations: [String: Operation]) async throws -> [Result] {
        var results = [Result?](repeating: nil, count: requests.count)
        var transactional: [Int] = []
        var external: [String: [Int]] = [:]
        for (index, request) in requests.enumerated() {
            switch operations[request.operation]?.handler {
            case .external, .informed: external[request.operation, default: []].append(index)
            default: transactional.append(index)
            }
        }
        if !transactional.isEmpty {
            let handled = try await inTransaction(transactional.map { requests[$0] }, by: operations) { requests, transaction in
                try await Self.handle(requests, by: operations, on: transaction)
            }
            for (index, result) in zip(transactional, handled) { results[index] = result }
        }
        for (key, indices) in external.sorted(by: { $0.key < $1.key }) {
            let batch = indices.map { requests[$0] }
            let handled: [Result]
            switch operations[key]?.handler {
            case .external(let prepare): handled = try await handleExternal(batch, by: operations, prepare)
            case .informed(let ask): handled = try await complete(batch, batch, by: operations, try await ask(batch))
            default: continue
            }
            for (index, result) in zip(indices, handled) { results[index] = result }
        }
        return results.map { $0 ?? .failed(Failure("handler-miscount", "no outcome")) }
    }

    /// Groups by operation, each group in one call, groups in the order in which their first message arrived.
    private static func handle(
        _ requests: [Request], by operations: [String: Operation], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        var order: [String] = []
        var groups: [String: [Int]] = [:]
        for (index, request) in requests.enumerated() {
            if groups[request.operation] == nil { order.append(request.operation) }
            groups[request.operation, default: []].append(index)
        }
        var outcomes = [Outcome?](repeating: nil, count: requests.count)
        for key in order {
            let indices = groups[key] ?? []
            guard case .transactional(let handle)? = operations[key]?.handler else { continue }
            let handled = try await handle(indices.map { requests[$0] }, transaction)
            try expect(handled.count, indices.count, "outcomes")
            for (index, outcome) in zip(indices, handled) { outcomes[index] = outcome }
        }
        return outcomes.map { $0 ?? .failed(Failure("handler-miscount", "no outcome")) }
    }

    private func handleExternal(
        _ requests: [Request], by operations: [String: Operation],
        _ prepare: @escaping @Sendable ([Request], any SQLConnection) async throws -> Operation.Prepared
    ) async throws -> [Result] {
        // What the inbox knows needs no second call to the outside.
        let (fresh, prepared) = try await database.transaction { transaction in
            let known = try await inbox.admit(requests.map(\.id), on: transaction)
            let fresh = requests.filter { known[$0.id] == nil }
            return (fresh, fresh.isEmpty ? nil : try await prepare(fresh, transaction))
        }
        return try await complete(requests, fresh, by: operations, try await prepared?.perform())
    }

    /// The transaction after something outside was asked or acted upon for `performedFor`; what the inbox knows by now is left out.
    private func complete(
        _ requests: [Request], _ performedFor: [Request], by operations: [String: Operation], _ performed: Operation.Performed?
    ) async throws -> [Result] {
        let ids = performedFor.map(\.id)
        return try await inTransaction(requests, by: operations) { open, transaction in
            var openIDs = Set(open.map(\.id))
            // A message that is in the batch twice counts at its first place.
            return try await performed?.complete(ids.map { openIDs.remove($0) != nil }, transaction) ?? []
        }
    }

    /// One transaction around `body`, which gets the requests that are new to the inbox. A message that is in the batch twice is handled once.
    private func inTransaction(
        _ requests: [Request], by operations: [String: Operation],
        _ body: @escaping @Sendable ([Request], any SQLConnection) async throws -> [Outcome]
    ) async throws -> [Result] {
        try await database.transaction { transaction in
            var known = try await inbox.admit(requests.map(\.id), on: transaction)
            var seen: Set<UUID> = []
            let fresh = requests.filter { known[$0.id] == nil && seen.insert($0.id).inserted }
            let outcomes = fresh.isEmpty ? [] : try await body(fresh, transaction)
            try expect(outcomes.count, fresh.count, "outcomes")
            let now = Inbox.time(clock.now())
            var entries: [Inbox.Entry] = []
            var first: [UUID: Result] = [:]
            var failures: [UUID: Failure] = [:]
            for (request, outcome) in zip(fresh, outcomes) {
                switch outcome {
                case .failed(let failure):
                    first[request.id] = .failed(failure)
                    failures[request.id] = failure
                case .done(let reply, let emissions):
                    let outputs = emissions.map(Output.init) + (reply.map { [Output($0)] } ?? [])
                    let isRemembered = reply?.isLasting ?? true
                    first[request.id] = .handled(outputs: outputs, recorded: isRemembered ? now : nil, reply: reply)
                    if isRemembered {
                        let fingerprint = request.fingerprint(of: scope(of: request, by: operations))
                        entries.append(Inbox.Entry(id: request.id, fingerprint: fingerprint, outputs: outputs))
                        known[request.id] = Inbox.Remembered(fingerprint: fingerprint, outputs: outputs, recorded: now)
                    }
                }
            }
            try await inbox.record(entries, at: now, on: transaction)
            return requests.map { request in
                if let result = first.removeValue(forKey: request.id) { return result }
                guard let row = known[request.id] else {
                    // What its twin failed with is what it would have failed with.
                    return .failed(failures[request.id] ?? Failure("duplicate", "its twin in the same batch was told to try again", remedy: .retry))
                }
                return Self.recall(row, for: request, scope(of: request, by: operations))
            }
        }
    }

    private func scope(of request: Request, by operations: [String: Operation]) -> Fingerprint.Scope {
        operations[request.operation]?.fingerprint ?? fingerprint
    }

    /// The outputs of an earlier handling, once more; a no when the same id comes with another request.
    private static func recall(_ row: Inbox.Remembered, for request: Request, _ scope: Fingerprint.Scope) -> Result {
        // Rows of the version before cover the whole body, until the last of them is forgotten.
        guard row.fingerprint == request.fingerprint(of: scope) || row.fingerprint == request.fingerprint(of: .body) else {
            let problem = Problem(
                "idempotency-key-reused", title: "Idempotency key reused", status: 422,
                detail: "This Idempotency-Key was used before for another request.")
            return .handled(outputs: [], reply: Reply(problem))
        }
        var reply = row.outputs.lazy.compactMap(\.reply).first
        reply?.isReplayed = true
        return .handled(outputs: row.outputs, recorded: row.recorded, reply: reply)
    }
}
