import FoundationEssentials

/// What others than the clients say about the run: the stock, the payment ledger, the dead letters.
struct Evidence: Sendable, Equatable {
    var stockBefore: [String: StockLevel] = [:]
    var stockAfter: [String: StockLevel] = [:]
    /// By order of the run; nil when there is no ledger to read.
    var payments: [UUID: [LedgerPayment]]?
    var deadLettersBefore = 0
    var deadLettersAfter = 0
}

/// Collects the evidence after a run.
struct Auditor: Sendable {
    /// SKUs asked for at once.
    private static let maximumConcurrent = 16

    let administrator: Administrator
    let ledger: LedgerReader?
    let stockBefore: [String: StockLevel]
    let deadLettersBefore: Int

    func evidence(for orders: Set<UUID>) async throws -> Evidence {
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
