public import FoundationEssentials

/// `orders.orders.states`: the states of these orders, as the API shows them.
public struct OrderStatesQuery: Sendable, Codable {
    /// Orders in one query: whole rows are read for them.
    public static let maximum = 500

    public let orders: [UUID]

    public init(orders: [UUID]) {
        self.orders = orders
    }
}

/// The answer to an ``OrderStatesQuery``.
public struct OrderStates: Sendable, Codable {
    /// How many of the orders are in each state. Orders that do not exist are in none.
    public let counts: [String: Int]

    public init(counts: [String: Int]) {
        self.counts = counts
    }
}
