import FoundationEssentials

/// How long a checkout may take.
public struct CheckoutTimes: Sendable {
    /// From the order to the end of the attempts to reserve and to charge; also the life of a reservation, because nothing else ends it.
    public var lifetime: Double = 15 * 60
    /// Until a step without an answer is repeated; doubled each time.
    public var firstTimeout: Double = 10
    /// Long enough that a service with a backlog receives only a handful of repeats for one order, however long the backlog is.
    public var longestTimeout: Double = 900

    public init() {}

    /// When a checkout that has just entered or repeated `phase` is overdue; nil when it never is.
    func due(_ phase: Checkout.Phase, retries: Int, placedAt: Date, now: Date) -> Date? {
        let timeout = min(firstTimeout * Double(1 << min(retries, 10)), longestTimeout)
        let end = placedAt.addingTimeInterval(lifetime)
        return switch phase {
        case .confirmed, .rejected, .cancelled: nil
        case .awaitingCustomer: max(end, now.addingTimeInterval(1))
        case .reserving, .charging, .booked: end > now ? min(end, now.addingTimeInterval(timeout)) : now.addingTimeInterval(timeout)
        case .confirming, .voiding, .releasing, .reopening: now.addingTimeInterval(timeout)
        }
    }

    func isExpired(placedAt: Date, now: Date) -> Bool {
        now >= placedAt.addingTimeInterval(lifetime)
    }
}
