import Contracts
import FoundationEssentials
import ShopClient

extension Reconciliation {
    /// The checks against the ledger; none when there is no ledger.
    var payments: [Check] {
        guard let payments = evidence.payments else { return [] }
        return [charges(payments), doubles(payments), refunds(payments)]
    }

    private func charges(_ payments: [UUID: [LedgerPayment]]) -> Check {
        let states = finalStates
        let sales = tally.orders.filter { states[$0.key]?.isSale == true }
        var wrong: [String] = []
        for (id, order) in sales {
            if evidence.outcomes?[id]?.isAuthorized == true {
                let own = payments[id, default: []]
                let held = own.count { $0.status == "requires_capture" }
                if held != 1 || own.contains(where: { $0.captured > 0 }) { wrong.append("order \(id.text): \(held) authorizations of \(own.count) payments") }
                continue
            }
            let refunded = evidence.outcomes?[id]?.refunded ?? 0
            let kept = payments[id, default: []].filter { $0.captured > 0 && $0.refunded == refunded }
            if kept.count != 1 {
                wrong.append("order \(id.text): \(kept.count) payments")
            } else if kept[0].captured != order.total.amount || kept[0].currency.uppercased() != order.total.currency {
                wrong.append("order \(id.text): \(order.total.amount) \(order.total.currency), paid \(kept[0].captured) \(kept[0].currency)")
            }
        }
        return Check("confirmed orders paid once, in full", "\(sales.count - wrong.count) of \(sales.count)", culprits: wrong.sorted())
    }

    private func doubles(_ payments: [UUID: [LedgerPayment]]) -> Check {
        let captures = payments.mapValues { $0.count { $0.captured > 0 } }
        let twice = captures.filter { $0.value > 1 }
        let charged = captures.count { $0.value > 0 }
        return Check(
            "no order charged twice", "\(charged) orders charged", culprits: twice.map { "order \($0.key.text): \($0.value) charges" }.sorted())
    }

    private func refunds(_ payments: [UUID: [LedgerPayment]]) -> Check {
        let lost = finalStates.filter { $0.value == .rejected || $0.value == .cancelled }.keys
        let kept = lost.filter { payments[$0, default: []].contains { $0.kept != 0 } }
        let refunded = lost.count { payments[$0, default: []].contains { $0.refunded > 0 } }
        return Check(
            "no money kept for rejected orders", "\(lost.count) rejected or cancelled, \(refunded) refunded",
            culprits: kept.map { "order \($0.text)" }.sorted())
    }
}
