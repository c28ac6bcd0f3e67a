import Contracts
import FoundationEssentials
import Logging
import PostgreSQL
import Runtime

/// Takes commands through the inbox and their handlers: one transaction for all gathered messages, and one by one when that fails,
/// so that a message that cannot be handled does not stop its neighbours.
struct BatchHandler: Sendable {
    /// How long a batch waits for PostgreSQL to come back before its messages go to the retry ladder.
    static let recoveryTimeout: Duration = .seconds(5)
    static let firstPause: Duration = .milliseconds(50)
    static let longestPause: Duration = .seconds(1)
    /// How often a single message is retried at once when another transaction was in the way: that transaction has ended by then.
    static let racesAtOnce = 3

    enum Result: Sendable {
        /// Committed, now or earlier. The ids of the outputs are derived from when they were `recorded` (see `Output.id`); `reply` is the answer, where this
        /// service gives it. `note` is for the log.
        case handled(outputs: [Output], recorded: Date? = nil, reply: Reply?, note: String? = nil)
        /// Its deadline had passed, and the inbox does not know it: its requester has stopped waiting, and nothing was done.
        case expired
        case failed(Failure)
    }

    let inbox: Inbox
    let database: any Database
    let clock: any WallClock
    /// The part of the body that counts for operations that do not declare one.
    var fingerprint = Fingerprint.Scope.body
    /// Of the batch at hand, where one is kept.
    var timeline: Timeline?

    /// What is handled in one go: all commands whose whole effect is in the database, or those of one operation that needs more than one transaction.
    private enum Portion: Hashable {
        case transactional
        case alone(operation: String)
    }

    /// What one call of `handle` has spent so far on retries.
    private struct Effort {
        var waited: Duration = .zero
        var pause = BatchHandler.firstPause
        var hasMadePartitions = false
        /// The server was away for longer than `recoveryTimeout`: nothing more is tried.
        var gaveUp: Failure?
    }

    /// Returns a result for each request, in order. An error in one portion changes nothing for those that another has committed.
    func handle(_ requests: [Request], by operations: [String: Operation]) async -> [Result] {
        let now = clock.now()
        let late = Set(requests.indices.filter { requests[$0].deadline.map { $0 < now } ?? false })
        var portions: [Portion: [Int]] = [:]
        for (index, request) in requests.enumerated() {
            let portion: Portion =
                switch operations[request.operation]?.handler {
                // A late request needs only the inbox.
                case .external where !late.contains(index), .lookup where !late.contains(index): .alone(operation: request.operation)
                default: .transactional
                }
            portions[portion, default: []].append(index)
        }
        var results = [Result?](repeating: nil, count: requests.count)
        var effort = Effort()
        for (portion, indices) in portions.sorted(by: { ($0.value.first ?? 0) < ($1.value.first ?? 0) }) {
            let items = indices.map { Incoming(request: requests[$0], isLate: late.contains($0)) }
            let handled = await handle(items, portion, operations, &effort)
            for (index, result) in zip(indices, handled) { results[index] = result }
        }
        return results.map { $0 ?? .failed(Self.miscount) }
    }

    private struct Incoming: Sendable {
        let request: Request
        let isLate: Bool
    }

    private static let miscount = Failure("handler-miscount", "no outcome", remedy: .retry)

    private func handle(
        _ items: [Incoming], _ portion: Portion, _ operations: [String: Operation], _ effort: inout Effort, unknown: Failure? = nil
    ) async -> [Result] {
        // Once a COMMIT went unanswered, no later trouble with the server proves that nothing was done.
        var unknown = unknown
        var races = 0
        while true {
            if let failure = effort.gaveUp { return items.map { _ in .failed(unknown ?? failure) } }
            do {
                return try await attempt(items, portion, operations)
            } catch {
                let lacksPartition = Inbox.lacksPartition(error)
                if lacksPartition, !effort.hasMadePartitions {
                    effort.hasMadePartitions = true
                    try? await InboxPartitions(of: database, clock: clock).prepare()
                    continue
                }
                let failure = lacksPartition ? Failure("inbox-partition-missing", "\(error)", remedy: .retry) : Failure(error)
                switch failure.remedy {
                case .waitForServer, .askInbox:
                    if failure.remedy == .askInbox { unknown = failure }
                    // Handled again under the same id, which is safe: the inbox knows the committed ones.
                    guard effort.waited < Self.recoveryTimeout, (try? await clock.sleep(for: effort.pause)) != nil else {
                        if failure.remedy == .waitForServer { effort.gaveUp = failure }
                        return items.map { _ in .failed(unknown ?? failure) }
                    }
                    effort.waited += effort.pause
                    effort.pause = min(effort.pause * 2, Self.longestPause)
                case .retry, .deadLetter:
                    if items.count > 1 {
                        var results: [Result] = []
                        for item in items { results += await handle([item], portion, operations, &effort, unknown: unknown) }
                        return results
                    }
                    guard Failure.isRace(error), races < Self.racesAtOnce else {
                        return [.failed(failure.remedy == .retry ? unknown ?? failure : failure)]
                    }
                    races += 1
                }
            }
        }
    }

    private func attempt(_ items: [Incoming], _ portion: Portion, _ operations: [String: Operation]) async throws -> [Result] {
        let requests = items.map(\.request)
        guard case .alone(let key) = portion else {
            return try await inTransaction(items, by: operations) { try await Self.handle($0, by: operations, on: $1) }
        }
        switch operations[key]?.handler {
        case .external(let prepare): return try await handleExternal(requests, by: operations, prepare)
        case .lookup(let lookup):
            let performed = try await lookup(requests, database)
            timeline?.note(.acted)
            return try await complete(requests, requests, by: operations, performed)
        default: return requests.map { _ in .failed(Self.miscount) }
        }
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
        return outcomes.map { $0 ?? .failed(miscount) }
    }

    private func handleExternal(
        _ requests: [Request], by operations: [String: Operation],
        _ prepare: @escaping @Sendable ([Request], any SQLConnection) async throws -> Operation.Prepared
    ) async throws -> [Result] {
        // Messages known to the inbox need no second external call.
        let (fresh, prepared) = try await database.transaction { transaction in
            let known = try await inbox.admit(requests.map(\.id), on: transaction)
            let fresh = requests.filter { known[$0.id] == nil }
            return (fresh, fresh.isEmpty ? nil : try await prepare(fresh, transaction))
        }
        timeline?.note(.intended)
        let performed = try await prepared?.perform()
        timeline?.note(.acted)
        return try await complete(requests, fresh, by: operations, performed)
    }

    /// The transaction after the external call for `performedFor`; messages that the inbox knows by now are left out.
    private func complete(
        _ requests: [Request], _ performedFor: [Request], by operations: [String: Operation], _ performed: Operation.Performed?
    ) async throws -> [Result] {
        let ids = performedFor.map(\.id)
        return try await inTransaction(requests.map { Incoming(request: $0, isLate: false) }, by: operations) { open, transaction in
            var openIDs = Set(open.map(\.id))
            // A message that is in the batch twice counts at its first place.
            return try await performed?.complete(ids.map { openIDs.remove($0) != nil }, transaction) ?? []
        }
    }

    /// One transaction around `body`, which receives the requests that are new to the inbox and not late. A message that is in the batch twice is handled once.
    private func inTransaction(
        _ items: [Incoming], by operations: [String: Operation],
        _ body: @escaping @Sendable ([Request], any SQLConnection) async throws -> [Outcome]
    ) async throws -> [Result] {
        try await database.transaction { transaction in
            var known = try await inbox.admit(items.map(\.request.id), on: transaction)
            var seen: Set<UUID> = []
            let fresh = items.filter { !$0.isLate && known[$0.request.id] == nil && seen.insert($0.request.id).inserted }.map(\.request)
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
                case .ignored(let note):
                    first[request.id] = .handled(outputs: [], reply: nil, note: note)
                case .done(let reply, let emissions, let note):
                    let outputs = emissions.map(Output.init) + (reply.map { [Output($0)] } ?? [])
                    let isRemembered = reply?.isLasting ?? true
                    first[request.id] = .handled(outputs: outputs, recorded: isRemembered ? now : nil, reply: reply, note: note)
                    if isRemembered {
                        let fingerprint = request.fingerprint(of: scope(of: request, by: operations))
                        entries.append(Inbox.Entry(id: request.id, fingerprint: fingerprint, outputs: outputs))
                        known[request.id] = Inbox.Remembered(fingerprint: fingerprint, outputs: outputs, recorded: now)
                    }
                }
            }
            try await inbox.record(entries, at: now, on: transaction)
            return items.map { item in
                let request = item.request
                if let result = first.removeValue(forKey: request.id) { return result }
                guard let row = known[request.id] else {
                    if item.isLate { return .expired }
                    // It would have failed with the same error as its twin.
                    return .failed(failures[request.id] ?? Failure("duplicate", "its twin in the same batch will be retried", remedy: .retry))
                }
                return Self.recall(row, for: request, scope(of: request, by: operations))
            }
        }
    }

    private func scope(of request: Request, by operations: [String: Operation]) -> Fingerprint.Scope {
        operations[request.operation]?.fingerprint ?? fingerprint
    }

    /// Returns the outputs of an earlier handling; a rejection when the same id arrives with a different request.
    private static func recall(_ row: Inbox.Remembered, for request: Request, _ scope: Fingerprint.Scope) -> Result {
        // Rows of the version before cover the whole body, until the last of them is dropped.
        guard row.fingerprint == request.fingerprint(of: scope) || row.fingerprint == request.fingerprint(of: .body) else {
            let problem = Problem(
                "idempotency-key-reused", title: "Idempotency key reused", status: 422,
                detail: "This Idempotency-Key was used before for another request.")
            return .handled(outputs: [], reply: Reply(problem), note: "another request under the same key")
        }
        var reply = row.outputs.lazy.compactMap(\.reply).first
        reply?.isReplayed = true
        return .handled(outputs: row.outputs, recorded: row.recorded, reply: reply, note: "handled before")
    }
}
