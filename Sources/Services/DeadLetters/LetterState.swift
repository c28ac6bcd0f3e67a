/// The state of a letter. ``DeadLetterState/after(_:)`` defines all transitions.
public enum DeadLetterState: String, Sendable, Codable, CaseIterable {
    /// Undecided, or returned.
    case open
    /// Sent back to its queue; its outcome is not known yet.
    case replayed
    /// Its service has handled it.
    case handled
    /// Kept, but hidden from the list of open letters.
    case discarded

    /// Whether it needs no further action by an operator.
    var isSettled: Bool { self != .open }

    /// The state after an event; nil where the state does not allow it.
    public func after(_ event: DeadLetterEvent) -> DeadLetterState? {
        switch (self, event) {
        // Whatever its state, a message that has died must be visible.
        case (_, .death): .open
        case (.open, .decision(.replay)): .replayed
        case (.open, .decision(.discard)), (.discarded, .decision(.discard)): .discarded
        case (.discarded, .decision(.restore)), (.open, .decision(.restore)): .open
        case (.replayed, .decision(.confirm)), (.handled, .decision(.confirm)): .handled
        default: nil
        }
    }
}

/// The events that change a letter's state.
public enum DeadLetterEvent: Sendable, Hashable {
    /// It has died, for the first time or again.
    case death
    case decision(DeadLetterDecision)
}

/// A decision about a letter.
public enum DeadLetterDecision: String, Sendable, CaseIterable {
    case replay, discard
    /// Reopens a discarded letter.
    case restore
    /// Records that a replayed message was handled.
    case confirm

    /// Its name in the audit log.
    var action: String {
        switch self {
        case .replay: "replayed"
        case .discard: "discarded"
        case .restore: "restored"
        case .confirm: "handled"
        }
    }
}
