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
        var letters = try await EditStore.locked(items.map(\.input.id), on: transaction)
        let now = clock.now()
        var outcomes: [Outcome] = []
        for item in items {
            guard let letter = letters[item.input.id] else {
                outcomes.append(.refused(.notFound("dead letter")))
                continue
            }
            if let problem = letter.problem(editing: item.input.body) {
                outcomes.append(.refused(problem))
                continue
            }
            let edited = try await EditStore.edit(letter, item.input.body, by: item.request.auditName, now: now, on: transaction)
            letters[letter.summary.id] = edited
            outcomes.append(.done(try Reply(json: LetterSummaryView(edited.summary))))
        }
        return outcomes
    }

    func revert(_ items: [IncomingMessage<OneLetter>], on transaction: any SQLConnection) async throws -> [Outcome] {
        var letters = try await EditStore.locked(items.map(\.input.id), on: transaction)
        let now = clock.now()
        var outcomes: [Outcome] = []
        for item in items {
            guard let letter = letters[item.input.id] else {
                outcomes.append(.refused(.notFound("dead letter")))
                continue
            }
            if let problem = letter.problemReverting {
                outcomes.append(.refused(problem))
                continue
            }
            if letter.summary.isEdited {
                letters[letter.summary.id] = try await EditStore.revert(letter, by: item.request.auditName, now: now, on: transaction)
            }
            outcomes.append(.done(.noContent))
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
