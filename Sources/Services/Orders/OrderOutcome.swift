/// What the phase of an order's saga means to an auditor, who compares the order with payments, stock and notifications.
public enum OrderOutcome: Sendable {
    /// The saga is still running.
    case open
    /// It succeeded: paid, and taken from stock, or about to be.
    case sold
    /// It failed: nothing is kept, and its cart is open again.
    case givenUp
    /// It was called off before anything was shipped: nothing is kept, and its cart stays closed.
    case cancelled

    /// Nil for a phase that this version of Wharf does not know.
    public init?(phase: String) {
        guard let phase = Checkout.Phase(rawValue: phase) else { return nil }
        switch phase {
        case .reserving, .charging, .awaitingCustomer, .booked, .confirming, .voiding, .releasing, .reopening: self = .open
        case .confirmed: self = .sold
        case .rejected: self = .givenUp
        case .cancelled: self = .cancelled
        }
    }
}
