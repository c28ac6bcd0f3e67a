import FoundationEssentials

/// How long a checkout may take.
public struct CheckoutTimes: Sendable {
    /// From the order to the end of the attempts to reserve and to charge; also the life of a reservation, because nothing else ends it.
    public var lifetime: Double = 15 * 60
    /// Until a step without an answer is repeated; doubled each time.
    public var firstPatience: Double = 10
    /// Long enough that a service with a backlog receives only a handful of repeats for one order, however long the backlog is.
    public var longestPatience: Double = 900

    public init() {}

    /// When a checkout that has just entered or repeated `phase` is overdue; nil when it never is.
    func due(_ phase: Checkout.Phase, drives: Int, placedAt: Date, now: Date) -> Date? {
        let patience = min(firstPatience * Double(1 << min(drives, 10)), longestPatience)
        let end = placedAt.addingTimeInterval(lifetime)
        return switch phase {
        case .confirmed, .rejected: nil
        case .awaitingCustomer: max(end, now.addingTimeInterval(1))
        case .reserving, .charging: end > now ? min(end, now.addingTimeInterval(patience)) : now.addingTimeInterval(patience)
        case .confirming, .voiding, .releasing, .reopening: now.addingTimeInterval(patience)
        }
    }

    func isExpired(placedAt: Date, now: Date) -> Bool {
        now >= placedAt.addingTimeInterval(lifetime)
    }
}
