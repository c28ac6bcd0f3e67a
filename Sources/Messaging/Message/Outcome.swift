import Contracts

/// The result of handling one message of a batch.
public enum Outcome: Sendable {
    /// `reply` is nil where there is no requester, or where the receiver of a forwarded message answers. `note` is for the log, where the outgoing messages
    /// do not say what was done; it contains no secret and no personal data.
    case done(Reply? = nil, emit: [OutgoingMessage] = [], note: String? = nil)
    /// The message has changed nothing and leads to nothing: the inbox does not remember it, and a copy is handled again.
    case ignored(note: String? = nil)
    case failed(Failure)

    public static func refused(_ problem: Problem) -> Outcome { .done(Reply(problem)) }

    /// The same outcome with more messages, where it is `done`.
    public func emitting(_ more: [OutgoingMessage]) -> Outcome {
        guard case .done(let reply, let messages, let note) = self else { return self }
        return .done(reply, emit: messages + more, note: note)
    }
}
