import FoundationEssentials
import Synchronization

/// What the shop has answered about orders after their checkouts. What it has accepted must be true in the end, and what it has refused must not have happened.
final class Promises: Sendable {
    struct Return: Sendable, Equatable {
        let id: UUID
        /// In minor units.
        let amount: Int
        var isRefused = false
        /// Whether its goods can be sold again; nil before they were received.
        var restock: Bool?
    }

    struct Order: Sendable, Equatable {
        var isCancelled = false
        /// Tracking numbers.
        var parcels: [String] = []
        var isDelivered = false
        var returns: [Return] = []
        /// Of refunds by amount, in minor units.
        var refunds: [Int] = []
    }

    private struct State {
        var orders: [UUID: Order] = [:]
        var complaints: [String] = []
        var refused = 0
        var underWay = 0
    }

    private let state = Mutex(State())

    var orders: [UUID: Order] { state.withLock { $0.orders } }
    /// Answers that no customer and no clerk should get.
    var complaints: [String] { state.withLock { $0.complaints } }
    /// Requests that were refused with a reason, as one of two that contradict each other has to be.
    var refused: Int { state.withLock { $0.refused } }

    /// Orders of which a step has not been answered for good: whatever the shop has made of it.
    var underWay: Int { state.withLock { $0.underWay } }

    /// Runs the steps of one order. An order whose steps throw remains under way.
    func following(_ steps: () async throws -> Void) async throws {
        state.withLock { $0.underWay += 1 }
        try await steps()
        state.withLock { $0.underWay -= 1 }
    }

    func note(_ order: UUID, _ change: (inout Order) -> Void) {
        state.withLock { change(&$0.orders[order, default: Order()]) }
    }

    func refuse() { state.withLock { $0.refused += 1 } }
    func complain(_ text: String) { state.withLock { $0.complaints.append(text) } }
}
