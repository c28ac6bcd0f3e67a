import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime

/// Administrators' decisions on letters.
struct Deciding: Sendable {
    let clock: any WallClock

    /// Sends the message back to its queue as it was before it failed. The inbox row of this command holds it, so a crash cannot lose it.
    func replay(_ items: [IncomingMessage<ReplayLetter>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let pastMemory = Set(items.filter(\.input.pastMemory).map(\.input.id))
        let reconciled = Set(items.filter(\.input.reconcile).map(\.input.id))
        let decided = try await decide(items.map { ($0.request, $0.input.id) }, .replay, pastMemory: pastMemory, reconciled: reconciled, on: transaction)
        let messages = try await DeadLetterStore.messages(of: decided.changed, on: transaction)
        return try decided.items.map { item in
            switch item {
            case .refused(let problem): return .refused(problem)
            case .unchanged(let letter): return .done(try Reply(status: 202, json: LetterSummaryView(letter)))
            case .changed(let letter):
                guard let message = messages[letter.id] else { throw Failure("letter-lost", "letter \(letter.id) has no message", remedy: .retry) }
                return .done(
                    try Reply(status: 202, json: LetterSummaryView(letter)),
                    emit: [OutgoingMessage(replaying: message.content, to: message.queue)])
            }
        }
    }

    func discard(_ items: [IncomingMessage<OneLetter>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await decide(items.map { ($0.request, $0.input.id) }, .discard, on: transaction).items.map { item in
            if case .refused(let problem) = item { .refused(problem) } else { .done(.noContent) }
        }
    }

    /// Restores discarded letters: they are open again.
    func restore(_ items: [IncomingMessage<OneLetter>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await decide(items.map { ($0.request, $0.input.id) }, .restore, on: transaction).items.map { item in
            switch item {
            case .refused(let problem): .refused(problem)
            case .unchanged(let letter), .changed(let letter): .done(try Reply(json: LetterSummaryView(letter)))
            }
        }
    }

    private enum Decided {
        case refused(Problem)
        /// It was in that state already.
        case unchanged(DeadLetterSummary)
        case changed(DeadLetterSummary)
    }

    private func decide(
        _ items: [(request: Request, id: UUID)], _ decision: DeadLetterDecision, pastMemory: Set<UUID> = [], reconciled: Set<UUID> = [],
        on transaction: any SQLConnection
    ) async throws -> (items: [Decided], changed: [UUID]) {
        // Of two decisions on one letter in a batch, the first counts.
        var actors: [UUID: String] = [:]
        for item in items where actors[item.id] == nil {
            actors[item.id] = item.request.auditName
        }
        let results = try await DeadLetterStore.decide(
            decision, actors, pastMemory: pastMemory, reconciled: reconciled, now: clock.now(), on: transaction)
        var changed: Set<UUID> = []
        let decided: [Decided] = items.map { item in
            switch results[item.id] {
            case nil: return .refused(.notFound("dead letter"))
            case .changed(let letter):
                guard changed.insert(letter.id).inserted else {
                    return decision == .replay ? .refused(.decided(letter.state)) : .unchanged(letter)
                }
                return .changed(letter)
            case .unchanged(let letter):
                return decision == .replay ? .refused(.decided(letter.state)) : .unchanged(letter)
            case .forbidden(let letter): return .refused(.decided(letter.state))
            case .incomplete: return .refused(.incomplete)
            case .pastMemory: return .refused(.pastMemory)
            case .pastGatewayKeys: return .refused(.pastGatewayKeys)
            }
        }
        return (decided, Array(changed))
    }
}

extension Problem {
    static func decided(_ state: DeadLetterState) -> Problem {
        let detail =
            switch state {
            case .open: "The dead letter is open."
            case .replayed: "The dead letter was replayed already; if the message fails again, it will be open again."
            case .handled: "The dead letter was replayed, and its service has handled the message."
            case .discarded: "The dead letter was discarded; restore it first: POST /v1/dead-letters/{id}/restoration, or wharf dead-letters restore."
            }
        return .conflict("dead-letter-\(state.rawValue)", detail)
    }

    static let incomplete = Problem.conflict(
        "dead-letter-incomplete",
        "The message cannot be sent again: its queue is unknown, it was too large to be kept whole, its import is not complete, or it contained credentials, which are not stored.")

    static let pastMemory = Problem.conflict(
        "dead-letter-past-memory",
        """
        The message is older than the \(Inbox.retention) days for which services remember what they have handled. If it was handled before it died, a replay \
        handles it a second time. Check first; then send {"pastMemory": true} to replay it anyway.
        """)

    static let pastGatewayKeys = Problem.conflict(
        "dead-letter-past-gateway-keys",
        """
        The charge is older than \(Int(GatewayKeys.memory / 3600)) hours, so the payment gateway may have forgotten its idempotency key. Send {"reconcile": true} to replay it: \
        payments then looks for the payment at the gateway before it charges.
        """)
}
