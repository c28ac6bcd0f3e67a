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
        /// Committed, now or earlier. The ids of the outgoing messages are derived from when they were `recorded` (see `OutgoingMessage.id`). `note` is for the log.
        case handled(OutgoingMessages, recorded: Date? = nil, note: String? = nil)
        /// Its deadline had passed, and the inbox does not know it: its requester has stopped waiting, and nothing was done.
        case expired
        case failed(Failure)

        /// True if the inbox knew the message.
        var isRepeated: Bool { if case .handled(_, _, BatchHandler.handledBefore?) = self { true } else { false } }
    }

    private static let handledBefore = "handled before"

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
        let items = requests.map { request in Incoming(request: request, isLate: request.deadline.map { $0 < now } ?? false) }
        var effort = Effort()
        return await items.mapGrouped { item -> Portion in
            switch operations[item.request.operation]?.handler {
            // A late request needs only the inbox.
            case .external where !item.isLate, .lookup where !item.isLate: .alone(operation: item.request.operation)
            default: .transactional
            }
        } transform: { portion, items in
            await handle(items, portion, operations, &effort)
        }
    }

    private struct Incoming: Sendable {
        let request: Request
        let isLate: Bool
    }

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
            // Statements can be sent ahead only if no other handler writes before them.
            let kinds = Set(requests.map(\.operation))
            if kinds.count == 1, let kind = kinds.first, case .transactional(let prepare)? = operations[kind]?.handler {
                return try await complete(items, requests, by: operations, prepare(requests))
            }
            return try await inTransaction(items, by: operations) { try await Self.handle($0, by: operations, on: $1) }
        }
        switch operations[key]?.handler {
        case .external(let read): return try await handleExternal(items, by: operations, read)
        case .lookup(let lookup):
            let performed = try await requests.traced { try await lookup(requests, database) }
            timeline?.note(.acted)
            return try await complete(items, requests, by: operations, performed)
        case .query, .transactional, nil: return requests.map { .failed(Failure(unknown: $0.operation)) }
        }
    }

    private static func handle(
        _ requests: [Request], by operations: [String: Operation], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        try await requests.mapGrouped(by: \.operation) { key, requests in
            guard case .transactional(let prepare)? = operations[key]?.handler else { return requests.map { .failed(Failure(unknown: $0.operation)) } }
            return try await prepare(requests).complete(requests.map { _ in true }, transaction)
        }
    }

    private func handleExternal(
        _ items: [Incoming], by operations: [String: Operation],
        _ read: @escaping @Sendable ([Request]) -> Operation.Intention
    ) async throws -> [Result] {
        let requests = items.map(\.request)
        let intention = read(requests)
        // Messages known to the inbox need no second external call.
        let (fresh, prepared) = try await database.transaction { transaction in
            let (known, transaction) = try await inbox.admit(requests.map(\.id), ahead: intention.ahead, on: transaction)
            let isNew = requests.map { known[$0.id] == nil }
            let fresh = zip(requests, isNew).filter(\.1).map(\.0)
            return (fresh, fresh.isEmpty ? nil : try await intention.prepare(isNew, transaction))
        }
        timeline?.note(.intended)
        let performed = try await prepared?.perform()
        timeline?.note(.acted)
        return try await complete(items, fresh, by: operations, performed)
    }

    /// The transaction that follows the work done outside for `performedFor`; messages that the inbox knows by now are left out.
    private func complete(
        _ items: [Incoming], _ performedFor: [Request], by operations: [String: Operation], _ performed: Operation.Performed?
    ) async throws -> [Result] {
        let ids = performedFor.map(\.id)
        return try await inTransaction(items, by: operations, ahead: performed?.ahead() ?? []) { open, transaction in
            var openIDs = Set(open.map(\.id))
            // A message that is in the batch twice counts at its first place.
            let isNew = ids.map { openIDs.remove($0) != nil }
            guard openIDs.isEmpty else { throw Failure("inbox-row-lost", "the inbox has forgotten a message that it knew before the call", remedy: .retry) }
            return try await performed?.complete(isNew, transaction) ?? []
        }
    }

    /// One transaction around `body`, which receives the requests that are new to the inbox and not late. A message that is in the batch twice is handled once.
    /// - Parameter ahead: The statements that `body` is likely to begin with.
    private func inTransaction(
        _ items: [Incoming], by operations: [String: Operation], ahead: [SQL] = [],
        _ body: @escaping @Sendable ([Request], any SQLConnection) async throws -> [Outcome]
    ) async throws -> [Result] {
        try await database.transaction { transaction in
            var (known, transaction) = try await inbox.admit(items.map(\.request.id), ahead: ahead, on: transaction)
            var seen: Set<UUID> = []
            let fresh = items.filter { !$0.isLate && known[$0.request.id] == nil && seen.insert($0.request.id).inserted }.map(\.request)
            let outcomes = fresh.isEmpty ? [] : try await body(fresh, transaction)
            let now = Inbox.time(clock.now())
            var entries: [Inbox.Entry] = []
            var first: [UUID: (request: Request, result: Result)] = [:]
            for (request, outcome) in zip(fresh, outcomes) {
                let result: Result
                switch outcome {
                case .failed(let failure): result = .failed(failure)
                case .ignored(let note): result = .handled(OutgoingMessages(), note: note)
                case .done(let reply, let messages, let note):
                    let outgoing = OutgoingMessages(messages, reply: reply).traced(by: request)
                    let isRemembered = reply?.isLasting ?? true
                    result = .handled(outgoing, recorded: isRemembered ? now : nil, note: note)
                    if isRemembered {
                        let fingerprint = request.fingerprint(of: scope(of: request, by: operations))
                        entries.append(Inbox.Entry(id: request.id, fingerprint: fingerprint, outgoing: outgoing))
                        known[request.id] = Inbox.Remembered(fingerprint: fingerprint, outgoing: outgoing, recorded: now)
                    }
                }
                first[request.id] = (request, result)
            }
            try await inbox.record(entries, at: now, on: transaction)
            var unanswered = Set(first.keys)
            return items.map { item in
                let request = item.request
                if unanswered.remove(request.id) != nil, let result = first[request.id]?.result { return result }
                let scope = scope(of: request, by: operations)
                if let row = known[request.id] { return Self.recall(row, for: request, scope) }
                if item.isLate { return .expired }
                // The inbox does not remember its twin. The same message has the same result; a different one under the same id is retried alone.
                if let twin = first[request.id], twin.request.fingerprint(of: scope) == request.fingerprint(of: scope) { return twin.result }
                return .failed(Failure("duplicate", "another message under the same id was in the same batch", remedy: .retry))
            }
        }
    }

    private func scope(of request: Request, by operations: [String: Operation]) -> Fingerprint.Scope {
        operations[request.operation]?.fingerprint ?? fingerprint
    }

    /// Returns what an earlier handling led to; a rejection when the same id arrives with a different request.
    private static func recall(_ row: Inbox.Remembered, for request: Request, _ scope: Fingerprint.Scope) -> Result {
        // Rows of the version before cover the whole body, until the last of them is dropped.
        guard row.fingerprint == request.fingerprint(of: scope) || row.fingerprint == request.fingerprint(of: .body) else {
            // An operator edited and replayed it, and must be able to see that it had no effect.
            if request.isReplay {
                return .failed(Failure("already-handled", "another message under the same id was handled before, so this one has no effect"))
            }
            let problem = Problem(
                "idempotency-key-reused", title: "Idempotency key reused", status: 422,
                detail: "This Idempotency-Key was used before for another request.")
            return .handled(OutgoingMessages(reply: Reply(problem)), note: "another request under the same key")
        }
        return .handled(row.outgoing.recalled, recorded: row.recorded, note: handledBefore)
    }
}
