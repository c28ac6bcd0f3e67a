import Contracts
import FoundationEssentials

/// An order as the shop reports it, as far as the run needs it.
package struct ReportedOrder: Sendable, Decodable {
    package enum State: String, Sendable, Codable, Hashable {
        case pending, requiresAction, confirmed, partlyShipped, shipped, delivered, rejected, cancelled

        package var isSettled: Bool { self != .pending }
        /// Whether the goods are sold and the money is kept.
        package var isSale: Bool { self == .confirmed || self == .partlyShipped || self == .shipped || self == .delivered }
    }

    package struct Line: Sendable, Equatable, Decodable {
        package let sku: String
        package let quantity: Int
    }

    package struct Entry: Sendable, Decodable {
        package let at: Date
        package let state: String
    }

    /// The reason of an order that was rejected for lack of stock.
    package static let outOfStock = "outOfStock"
    /// The steps of `history` after which nothing is pending.
    private static let settledSteps: Set<String> = ["confirmed", "rejected", "awaitingCustomer", "requiresAction", "cancelled"]

    package let id: UUID
    package let state: State
    package let reason: String?
    package let lines: [Line]
    package let total: Money
    let history: [Entry]

    /// When the order settled, by its own history.
    package var settledAt: Date? {
        guard state.isSettled else { return nil }
        return (history.first { Self.settledSteps.contains($0.state) } ?? history.last)?.at
    }

    /// Pieces by SKU.
    package var quantities: [String: Int] {
        Dictionary(lines.map { ($0.sku, $0.quantity) }, uniquingKeysWith: +)
    }
}
