import FoundationEssentials
import Synchronization

/// The shop's answers about orders after their checkouts. At the end of the run, what it accepted must have happened, and what it refused must not.
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
        /// The amounts of refunds by amount, in minor units.
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
    /// Answers that neither a customer nor a clerk should get.
    var complaints: [String] { state.withLock { $0.complaints } }
    /// Requests that were refused with a reason, as one of two conflicting requests has to be.
    var refused: Int { state.withLock { $0.refused } }

    /// Orders with a step that has no final answer; the shop may have carried it out or not.
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
