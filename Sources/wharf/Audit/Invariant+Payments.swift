import Contracts
import Orders

extension AuditedOrder {
    /// What was taken and kept, by the payment service and by the gateway, is what the order says.
    var paymentFindings: [Finding] {
        var wrong = (ledger ?? []).isEmpty ? [] : captureFindings
        guard let fate = saga?.fate else { return wrong }
        switch fate {
        case .open: wrong += amountFindings
        case .sold: wrong += amountFindings + saleFindings
        case .givenUp: wrong += givenUpFindings
        }
        return wrong
    }

    private var captures: [LedgerPayment] { (ledger ?? []).filter { $0.captured > 0 } }

    /// One capture an order, whatever has become of the order.
    private var captureFindings: [Finding] {
        guard captures.count > 1 else { return [] }
        let told = captures.map { "\($0.id) (\($0.captured) \($0.currency.uppercased()))" }.sorted().joined(separator: ", ")
        return [finding(.payments, "was charged \(captures.count) times: \(told)")]
    }

    private var amountFindings: [Finding] {
        guard let charge, !charge.isTombstone, charge.amount != total else { return [] }
        return [finding(.payments, "has a total of \(total.told), but a charge of \(charge.amount.told)")]
    }

    private var saleFindings: [Finding] {
        guard let charge else { return [finding(.payments, "is confirmed, and payments knows of no charge")] }
        let kept = total.amount - (saga?.refunded ?? 0)
        if charge.state != "succeeded", kept > 0 { return [finding(.payments, "is confirmed, and its charge is \(charge.state)")] }
        if charge.isToBeVoided, kept > 0 { return [finding(.payments, "is confirmed, and its charge is to be voided", awaits: .payments)] }
        // A second capture is told already.
        guard ledger != nil, captures.count < 2 else { return [] }
        guard let capture = captures.first else {
            return total.amount == 0 ? [] : [finding(.payments, "is confirmed, and the gateway has taken nothing for it")]
        }
        if capture.id != charge.intent {
            return [finding(.payments, "was charged as \(charge.intent ?? "nothing"), but the gateway has \(capture.id)")]
        }
        let captured = Money(amount: capture.captured, currency: capture.currency.uppercased())
        if captured != total { return [finding(.payments, "has a total of \(total.told), but \(captured.told) were taken (\(capture.id))")] }
        if capture.kept != kept {
            return [finding(.payments, "should have \(kept) of its \(total.told) kept, but the gateway keeps \(capture.kept) (\(capture.id))")]
        }
        return []
    }

    private var givenUpFindings: [Finding] {
        var wrong: [Finding] = []
        if let charge, ["begun", "requiresAction", "succeeded"].contains(charge.state) {
            wrong.append(finding(.payments, "did not come about, but its charge is \(charge.state)", awaits: .payments))
        }
        let kept = captures.filter { $0.kept != 0 }
        if !kept.isEmpty {
            let told = kept.map { "\($0.kept) \($0.currency.uppercased()) (\($0.id))" }.sorted().joined(separator: ", ")
            wrong.append(finding(.payments, "did not come about, but the gateway keeps \(told)", awaits: .payments))
        }
        return wrong
    }
}
