import FoundationEssentials
import ShopClient

extension Reconciliation {
    /// The checks for a shop with too little of some goods, and enough of all others.
    /// - Parameter scarce: their SKUs.
    package func shortages(of scarce: Set<String>) -> [Check] {
        [oversales(scarce), groundless(scarce), shortCharges]
    }

    private func oversales(_ scarce: Set<String>) -> Check {
        let sold = sold
        let figures = scarce.sorted().map { sku in
            (sku: sku, sold: sold[sku, default: 0], had: evidence.stockBefore[sku]?.available ?? 0)
        }
        let sums = figures.reduce((sold: 0, had: 0)) { ($0.sold + $1.sold, $0.had + $1.had) }
        return Check(
            "no scarce stock sold twice", "\(sums.sold) of \(sums.had) pieces sold, \(tally.short.count) orders rejected as out of stock",
            culprits: figures.filter { $0.sold > $0.had }.map { "\($0.sku): \($0.sold) sold, \($0.had) there" })
    }

    private func groundless(_ scarce: Set<String>) -> Check {
        let wrong = tally.short.filter { $0.value.isDisjoint(with: scarce) }
        return Check(
            "only scarce stock ran out", "\(tally.short.count - wrong.count) of \(tally.short.count) orders",
            culprits: wrong.map { "order \($0.key.text): \($0.value.sorted().joined(separator: ", "))" }.sorted())
    }

    /// Stock is reserved before anything is charged: a refunded payment is wrong here, too.
    private var shortCharges: Check {
        let charged = tally.short.keys.filter { id in evidence.payments?[id, default: []].contains { $0.captured > 0 } ?? false }
        return Check(
            "no order charged that was out of stock", "\(tally.short.count - charged.count) of \(tally.short.count)",
            culprits: charged.map { "order \($0.text)" }.sorted())
    }
}
