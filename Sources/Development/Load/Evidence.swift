import FoundationEssentials
import Runtime
import ShopClient

/// The state of the shop after the run, from sources other than the clients: the stock, the payment ledger, the dead letters.
package struct Evidence: Sendable, Equatable {
    /// The final state of an order that may have changed after it settled.
    package struct Outcome: Sendable, Equatable {
        let state: ReportedOrder.State
        /// Pieces by SKU that left the stock for good.
        let sold: [String: Int]
        /// The refunded amount of a sale, in minor units.
        let refunded: Int
        /// Whether the payment is authorized at checkout and captured at shipment.
        let isAuthorized: Bool

        package init(state: ReportedOrder.State, sold: [String: Int], refunded: Int, isAuthorized: Bool = false) {
            self.state = state
            self.sold = sold
            self.refunded = refunded
            self.isAuthorized = isAuthorized
        }
    }

    package var stockBefore: [String: StockLevel] = [:]
    var stockAfter: [String: StockLevel] = [:]
    /// By order of the run; nil when there is no ledger to read.
    package var payments: [UUID: [LedgerPayment]]?
    /// Nil when orders do not change after they have settled.
    package var outcomes: [UUID: Outcome]?
    package var deadLettersBefore = 0
    var deadLettersAfter = 0
}

/// Collects the evidence after a run.
package struct Auditor: Sendable {
    /// SKUs asked for at once.
    private static let maximumConcurrent = 16

    package let administrator: Administrator
    package let ledger: LedgerReader?
    package let stockBefore: [String: StockLevel]
    package let deadLettersBefore: Int

    package init(
        administrator: Administrator, ledger: LedgerReader?, stockBefore: [String: StockLevel], deadLettersBefore: Int
    ) {
        self.administrator = administrator
        self.ledger = ledger
        self.stockBefore = stockBefore
        self.deadLettersBefore = deadLettersBefore
    }

    package func evidence(for orders: Set<UUID>) async throws -> Evidence {
        let levels = try await stockBefore.keys.sorted().concurrentMap(limit: Self.maximumConcurrent) { sku in
            (sku, try await administrator.stock(of: sku))
        }
        return Evidence(
            stockBefore: stockBefore,
            stockAfter: Dictionary(levels.compactMap { sku, level in level.map { (sku, $0) } }, uniquingKeysWith: { first, _ in first }),
            payments: try await ledger?.payments(of: orders),
            deadLettersBefore: deadLettersBefore, deadLettersAfter: try await administrator.openDeadLetters())
    }
}
