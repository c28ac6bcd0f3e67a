import FoundationEssentials
import Runtime
import ShopClient

/// The state of the shop after the run, from sources other than the clients: the stock, the payment ledger, the dead letters.
package struct Evidence: Sendable, Equatable {
    package var stockBefore: [String: StockLevel] = [:]
    var stockAfter: [String: StockLevel] = [:]
    /// By order of the run; nil when there is no ledger to read.
    var payments: [UUID: [LedgerPayment]]?
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
