import FoundationEssentials

/// How long a checkout may take.
public struct CheckoutTimes: Sendable {
    /// From the order to the end of the attempts to reserve and to charge; also the life of a reservation, because nothing else ends it.
    public var lifetime: Double = 15 * 60
    /// Until a step without an answer is repeated; doubled each time.
    public var firstTimeout: Double = 10
    /// Long enough that a service with a backlog receives only a handful of repeats for one order, however long the backlog is.
    public var longestTimeout: Double = 900

    /// Seconds that a customer who has to act is given before a message asks for it. In the shop's own window this usually takes less than a minute; a customer who has not
    /// done it after two has closed that window or gone elsewhere, and most of the lifetime is left. With a shorter grace, people who are still typing a code would get one.
    public var grace: Double = 2 * 60

    public init() {}

    /// When a checkout that has just entered or repeated `phase` is overdue; nil when it never is.
    func due(_ phase: Checkout.Phase, retries: Int, placedAt: Date, now: Date) -> Date? {
        let timeout = min(firstTimeout * Double(1 << min(retries, 10)), longestTimeout)
        let end = end(placedAt: placedAt)
        return switch phase {
        case .confirmed, .rejected, .cancelled: nil
        // The first time, the customer is reminded, unless the end is sooner.
        case .awaitingCustomer: max(retries == 0 ? min(end, now.addingTimeInterval(grace)) : end, now.addingTimeInterval(1))
        case .reserving, .charging, .booked: end > now ? min(end, now.addingTimeInterval(timeout)) : now.addingTimeInterval(timeout)
        case .confirming, .voiding, .releasing, .reopening: now.addingTimeInterval(timeout)
        }
    }

    /// The time from which a customer who has to act can no longer do so.
    func end(placedAt: Date) -> Date { placedAt.addingTimeInterval(lifetime) }

    /// Whether a customer who was asked to act at `asked` may be reminded of it. Half of the grace will do: clocks of several machines differ.
    func isRemindable(asked: Date, now: Date) -> Bool { now.timeIntervalSince(asked) >= grace / 2 }

    func isExpired(placedAt: Date, now: Date) -> Bool { now >= end(placedAt: placedAt) }
}
