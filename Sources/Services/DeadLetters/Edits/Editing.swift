import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime

/// Administrators' edits of the message that a replay sends. The original body is kept.
///
/// A replay of an edited letter has the original message's id. Its service's inbox therefore lets at most one of the two take effect, wherever copies of the original may
/// still be; if the original was handled before, the edited one becomes a dead letter again, with the cause `already-handled`. Once an edited body has been
/// sent, the original is never sent: the edit cannot be reverted.
struct Editing: Sendable {
    let clock: any WallClock

    func edit(_ items: [IncomingMessage<EditLetter>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let now = clock.now()
        return try await change(items, \.id, on: transaction) { item, letter in
            if let problem = letter.problem(editing: item.input.body) { return .refused(problem) }
            letter = try await EditStore.edit(letter, item.input.body, by: item.request.auditName, now: now, on: transaction)
            return .done(try Reply(json: LetterSummaryView(letter.summary)))
        }
    }

    func revert(_ items: [IncomingMessage<OneLetter>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let now = clock.now()
        return try await change(items, \.id, on: transaction) { item, letter in
            if let problem = letter.problemReverting { return .refused(problem) }
            if letter.summary.isEdited { letter = try await EditStore.revert(letter, by: item.request.auditName, now: now, on: transaction) }
            return .done(.noContent)
        }
    }

    /// Applies `change` to the letter of each item, one after the other: of two changes of one letter, the second sees the first.
    private func change<Input>(
        _ items: [IncomingMessage<Input>], _ id: (Input) -> UUID, on transaction: any SQLConnection,
        _ change: (IncomingMessage<Input>, inout EditableLetter) async throws -> Outcome
    ) async throws -> [Outcome] {
        var letters = try await EditStore.locked(items.map { id($0.input) }, on: transaction)
        var outcomes: [Outcome] = []
        for item in items {
            guard var letter = letters[id(item.input)] else {
                outcomes.append(.refused(.notFound("dead letter")))
                continue
            }
            outcomes.append(try await change(item, &letter))
            letters[letter.summary.id] = letter
        }
        return outcomes
    }
}

/// A letter with the fields that decide whether it may be edited.
struct EditableLetter: Sendable {
    let summary: DeadLetterSummary
    let original: Original
    let body: [UInt8]
    let contentType: String?
    let isComplete: Bool
    let wasSentEdited: Bool

    func problem(editing body: [UInt8]) -> Problem? {
        guard summary.state == .open else { return .decided(summary.state) }
        guard isComplete else { return .incomplete }
        if contentType?.hasPrefix(Bundle.contentType) == true { return .invalidInput("body", "is a bundle of messages, which cannot be edited") }
        return MessageContract.flaw(in: body, operation: summary.operation, contentType: contentType, original: self.body).map { .invalidInput("body", $0) }
    }

    var problemReverting: Problem? {
        guard summary.state == .open else { return .decided(summary.state) }
        return wasSentEdited ? .editSent : nil
    }

    /// The id that this letter gets when it dies with another body.
    func alias(of body: [UInt8]) -> UUID {
        NewLetter.id(messageID: original.replayedID(of: summary.id), queue: summary.queue, body: body)
    }
}

extension Problem {
    static let editSent = Problem.conflict(
        "dead-letter-edit-sent", "The edited message was sent, so the original can never be sent: both would take effect. Edit it again instead.")
}
