import FoundationEssentials
import ShopClient

/// One statement that must hold after a run.
package struct Check: Sendable, Equatable, Encodable {
    /// The statement.
    package let name: String
    package let isGood: Bool
    /// The figures.
    package let detail: String
    /// The exceptions: ids, SKUs, answers; the first ten.
    package let culprits: [String]

    package init(_ name: String, _ detail: String, isGood: Bool? = nil, culprits: [String] = []) {
        self.name = name
        self.detail = detail
        self.isGood = isGood ?? culprits.isEmpty
        self.culprits = Array(culprits.prefix(Tally.maximumNamed))
    }
}

/// Reconciles the answers to the clients with the shop, the ledger and the stock.
package struct Reconciliation: Sendable {
    /// Checkouts that the run was to make.
    package let asked: Int
    package let tally: Tally
    package let evidence: Evidence

    package init(asked: Int, tally: Tally, evidence: Evidence) {
        self.asked = asked
        self.tally = tally
        self.evidence = evidence
    }

    package var checks: [Check] {
        [answers, refusals, identities, settlements, contents] + payments + [stock, reservations, deadLetters]
    }

    /// The state of each order at the end of the run.
    var finalStates: [UUID: ReportedOrder.State] {
        guard let outcomes = evidence.outcomes else { return tally.orders.compactMapValues(\.state) }
        return outcomes.filter { tally.orders[$0.key] != nil }.mapValues(\.state)
    }

    /// Pieces by SKU that were sold and did not come back.
    var sold: [String: Int] {
        guard let outcomes = evidence.outcomes else { return tally.sold }
        return outcomes.values.reduce(into: [:]) { sold, outcome in sold.merge(outcome.sold, uniquingKeysWith: +) }
    }

    private var answers: Check {
        let unsent = asked - tally.accepted - tally.refused - tally.unansweredCarts.count
        return Check(
            "every checkout answered", "\(tally.accepted + tally.refused) of \(asked)", isGood: unsent == 0 && tally.unansweredCarts.isEmpty,
            culprits: tally.unansweredCarts.map { "cart \($0.text)" } + (unsent > 0 ? ["\(unsent) not sent in time"] : []))
    }

    private var refusals: Check {
        let named = tally.refusals.sorted { $0.value > $1.value }.map { "\($0.value) × \($0.key)" }
        return Check("no checkout refused", "\(tally.refused) refused", isGood: tally.refused == 0, culprits: named)
    }

    private var identities: Check {
        Check(
            "one order for each checkout", "\(tally.orders.count) orders, \(tally.accepted) accepted",
            culprits: tally.sharedOrders.map { "order \($0.text)" })
    }

    private var settlements: Check {
        let open = tally.orders.filter { $0.value.state == nil || $0.value.state == .requiresAction }
        let named = open.map { "order \($0.key.text) \($0.value.state?.rawValue ?? "not settled in time")" }.sorted()
        let parts = tally.states.sorted { $0.value > $1.value }.map { "\($0.value) \($0.key.rawValue)" }
        return Check("every order settled", "\(tally.accepted) accepted = \(parts.isEmpty ? "0" : parts.joined(separator: " + "))", culprits: named)
    }

    private var contents: Check {
        Check(
            "orders hold what carts held", "\(tally.accepted - tally.unfaithfulOrders.count) of \(tally.accepted)",
            culprits: tally.unfaithfulOrders.map { "order \($0.text)" })
    }

    private var stock: Check {
        var wrong: [String] = []
        let sold = sold
        for (sku, before) in evidence.stockBefore {
            let sold = sold[sku, default: 0]
            let gone = evidence.stockAfter[sku].map { before.onHand - $0.onHand }
            if gone != sold { wrong.append("\(sku): \(sold) sold, \(gone.map { "\($0) gone" } ?? "no stock any more")") }
        }
        let pieces = sold.values.reduce(0, +)
        return Check("stock gone = pieces sold", "\(pieces) pieces of \(evidence.stockBefore.count) SKUs", culprits: wrong.sorted())
    }

    private var reservations: Check {
        var wrong: [String] = []
        for (sku, before) in evidence.stockBefore {
            guard let after = evidence.stockAfter[sku], after.reserved != before.reserved else { continue }
            wrong.append("\(sku): \(before.reserved) reserved before, \(after.reserved) after")
        }
        let total = evidence.stockAfter.values.reduce(0) { $0 + $1.reserved }
        return Check("no stock left reserved", "\(total) reserved", culprits: wrong.sorted())
    }

    private var deadLetters: Check {
        Check(
            "no new dead letters", "\(evidence.deadLettersBefore) open before, \(evidence.deadLettersAfter) after",
            isGood: evidence.deadLettersAfter <= evidence.deadLettersBefore)
    }
}
