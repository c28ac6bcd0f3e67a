import Contracts
import FoundationEssentials
import ShopClient

/// The results of the run so far. Holds a few hundred bytes for each order.
package struct Tally: Sendable {
    /// How many of a kind are kept by name.
    static let maximumNamed = 10

    package struct Order: Sendable, Equatable {
        package let cart: UUID
        let total: Money
        /// Nil until it has settled.
        package var state: ReportedOrder.State?
    }

    private(set) var goodsReady = 0
    private(set) var cartsFilled = 0
    /// Checkouts that were sent.
    private(set) var sent = 0
    package private(set) var accepted = 0
    package private(set) var orders: [UUID: Order] = [:]
    /// Orders that were the answer to more than one checkout.
    private(set) var sharedOrders: [UUID] = []
    /// Orders that do not hold what their carts held.
    private(set) var unfaithfulOrders: [UUID] = []
    /// Final refusals, by their text.
    private(set) var refusals: [Refusal: Int] = [:]
    private(set) var refused = 0
    /// Carts whose checkout has had no final answer in time; there may be an order or not.
    private(set) var unansweredCarts: [UUID] = []
    package private(set) var states: [ReportedOrder.State: Int] = [:]
    private(set) var rejections: [String: Int] = [:]
    /// Orders that were rejected because something was out of stock, with the SKUs in them.
    private(set) var short: [UUID: Set<String>] = [:]
    private(set) var retries: [String: Int] = [:]
    /// Pieces in orders that were sold, by SKU.
    private(set) var sold: [String: Int] = [:]
    private(set) var acceptances: [Duration] = []
    private(set) var settlements: [Duration] = []
    private(set) var firstSentAt: Date?
    private(set) var lastSettledAt: Date?

    package var settled: Int { settlements.count }
    var sales: Int { states.reduce(0) { $1.key.isSale ? $0 + $1.value : $0 } }
    package var retried: Int { retries.values.reduce(0, +) }

    mutating func goodIsReady() { goodsReady += 1 }
    package mutating func cartIsFilled() { cartsFilled += 1 }
    package mutating func retry(_ reason: String) { retries[reason, default: 0] += 1 }

    package mutating func send(at now: Date) {
        sent += 1
        firstSentAt = min(firstSentAt ?? now, now)
    }

    package mutating func accept(_ order: PlacedOrder) {
        accepted += 1
        acceptances.append(order.acceptance)
        if !order.isFaithful { unfaithfulOrders.append(order.id) }
        if orders[order.id] == nil {
            orders[order.id] = Order(cart: order.cart, total: order.total)
        } else {
            sharedOrders.append(order.id)
        }
    }

    /// Counts a final refusal of a cart or a checkout. After many different ones a new one is only counted.
    package mutating func refuse(_ refusal: Refusal) {
        refused += 1
        if refusals[refusal] != nil || refusals.count < Self.maximumNamed { refusals[refusal, default: 0] += 1 }
    }

    package mutating func leaveUnanswered(cart: UUID) { unansweredCarts.append(cart) }

    package mutating func settle(_ order: PlacedOrder, _ reported: ReportedOrder, at time: Date) {
        guard orders[order.id]?.state == nil else { return }
        orders[order.id]?.state = reported.state
        states[reported.state, default: 0] += 1
        if reported.state.isSale { sold.merge(reported.quantities, uniquingKeysWith: +) }
        if reported.state == .rejected {
            rejections[reported.reason ?? "no reason", default: 0] += 1
            if reported.reason == ReportedOrder.outOfStock { short[order.id] = Set(reported.lines.map(\.sku)) }
        }
        // Two clocks, or two readings of one that was set in between, may disagree about the order of events.
        settlements.append(.seconds(max(0, time.timeIntervalSince(order.sentAt))))
        lastSettledAt = max(lastSettledAt ?? time, time)
    }

    /// Seconds from the first checkout to the last order that settled.
    package var seconds: Double? {
        guard let firstSentAt, let lastSettledAt else { return nil }
        return max(0.001, lastSettledAt.timeIntervalSince(firstSentAt))
    }
}
