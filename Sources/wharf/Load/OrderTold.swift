import Contracts
import FoundationEssentials

/// An order as the shop tells it, as far as the run wants to know.
struct OrderTold: Sendable, Decodable {
    enum State: String, Sendable, Codable, Hashable {
        case pending, requiresAction, confirmed, shipped, delivered, rejected, cancelled

        var isSettled: Bool { self != .pending }
        /// Whether the goods are sold and the money is kept.
        var isSale: Bool { self == .confirmed || self == .shipped || self == .delivered }
    }

    struct Line: Sendable, Equatable, Decodable {
        let sku: String
        let quantity: Int
    }

    struct Entry: Sendable, Decodable {
        let at: Date
        let state: String
    }

    /// The reason of an order that was rejected because there was not enough.
    static let outOfStock = "outOfStock"
    /// What `history` calls the steps after which nothing is pending.
    private static let settledSteps: Set<String> = ["confirmed", "rejected", "awaitingCustomer", "requiresAction", "cancelled"]

    let id: UUID
    let state: State
    let reason: String?
    let lines: [Line]
    let total: Money
    let history: [Entry]

    /// When the order settled by its own history.
    var settledAt: Date? {
        guard state.isSettled else { return nil }
        return (history.first { Self.settledSteps.contains($0.state) } ?? history.last)?.at
    }

    /// Pieces by SKU.
    var quantities: [String: Int] {
        Dictionary(lines.map { ($0.sku, $0.quantity) }, uniquingKeysWith: +)
    }
}
