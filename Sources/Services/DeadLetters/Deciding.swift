import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL

/// What is to become of a letter.
struct Deciding: Sendable {
    let clock: any WallClock

    /// Sends the message back to its queue as it was before it failed. The inbox row of this command holds it, so a crash cannot lose it on its way.
    func replay(_ items: [Item<OneLetter>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let decided = try await decide(items, .replay, on: transaction)
        let messages = try await DeadLetterStore.messages(of: decided.changed, on: transaction)
        return try decided.items.map { item in
            switch item {
            case .refused(let problem): return .refused(problem)
            case .unchanged(let letter): return .done(try Reply(status: 202, json: LetterSummaryView(letter)))
            case .changed(let letter):
                guard let message = messages[letter.id] else { throw Failure("letter-lost", "letter \(letter.id) has no message") }
                return .done(
                    try Reply(status: 202, json: LetterSummaryView(letter)),
                    emit: [Emission(replaying: message.content, to: message.queue)])
            }
        }
    }

    func discard(_ items: [Item<OneLetter>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await decide(items, .discard, on: transaction).items.map { item in
            if case .refused(let problem) = item { .refused(problem) } else { .done(.noContent) }
        }
    }

    private enum Decided {
        case refused(Problem)
        /// It was so already.
        case unchanged(DeadLetterSummary)
        case changed(DeadLetterSummary)
    }

    private func decide(
        _ items: [Item<OneLetter>], _ decision: DeadLetterDecision, on transaction: any SQLConnection
    ) async throws -> (items: [Decided], changed: [UUID]) {
        // Of two decisions on one letter in a batch the first counts.
        var actors: [UUID: String] = [:]
        for item in items where actors[item.input.id] == nil {
            actors[item.input.id] = item.request.caller?.actor ?? "unknown"
        }
        let results = try await DeadLetterStore.decide(decision, actors, now: clock.now(), on: transaction)
        var changed: Set<UUID> = []
        let decided: [Decided] = items.map { item in
            switch results[item.input.id] {
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
            case .replayed: "The dead letter was replayed already; should the message fail again, it is open again."
            case .discarded: "The dead letter was discarded; it has to be restored first."
            }
        return .conflict("dead-letter-\(state.rawValue)", detail)
    }

    static let incomplete = Problem.conflict(
        "dead-letter-incomplete", "The message cannot be sent again: its queue is unknown, or it was too large to be kept whole.")
}
