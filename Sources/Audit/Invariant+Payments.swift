import Assembly
import Contracts
import Orders
import ShopClient

extension AuditedOrder {
    /// The money that was taken and kept, by the payment service and by the gateway, agrees with the order.
    var paymentFindings: [Finding] {
        var wrong = ((ledger ?? []).isEmpty ? [] : captureFindings) + operatorFindings + refundFindings
        guard let fate = saga?.fate else { return wrong }
        switch fate {
        case .open: wrong += amountFindings
        case .sold: wrong += amountFindings + saleFindings
        case .givenUp, .cancelled: wrong += givenUpFindings
        }
        // A difference in the money itself has been reported already.
        return wrong.isEmpty && fate != .open ? paymentStateFindings : wrong
    }

    /// The payment state shown to customers agrees with the gateway, or, without a ledger, with the payment service.
    private var paymentStateFindings: [Finding] {
        guard let saga else { return [] }
        let right = ledger.map { states(by: $0) } ?? statesByPayments
        if !right.contains(saga.paymentState) {
            let expected = right.sorted().joined(separator: " or ")
            return [finding(.payments, "reports its payment as \(saga.paymentState), which is \(expected)", awaits: .orders)]
        }
        guard let ledger else { return [] }
        let refunded = own(of: ledger).reduce(0) { $0 + $1.refunded }
        if saga.refunded == refunded { return [] }
        return [finding(.payments, "reports \(money(saga.refunded)) as refunded, but the gateway has refunded \(money(refunded))", awaits: .orders)]
    }

    private func own(of ledger: [LedgerPayment]) -> [LedgerPayment] {
        guard let intent = charge?.intent else { return ledger }
        return ledger.filter { $0.id == intent }
    }

    private func states(by ledger: [LedgerPayment]) -> Set<String> {
        if charge?.needsOperator == true { return ["needsOperator"] }
        if charge?.state == "authorized", !ledger.contains(where: { $0.captured > 0 }) { return ["authorized"] }
        if charge?.state == "succeeded", charge?.isDisputed == true { return ["disputed"] }
        if charge?.state == "succeeded", charge?.hasRefusedRefund == true { return ["needsOperator"] }
        let own = own(of: ledger)
        let captured = own.reduce(0) { $0 + $1.captured }
        let refunded = own.reduce(0) { $0 + $1.refunded }
        if captured > 0 {
            if refunded >= captured { return ["refunded"] }
            return refunded > 0 ? ["partlyRefunded", "disputed"] : ["succeeded", "disputed"]
        }
        if charge?.state == "settled" { return ["cancelled"] }
        if saga?.fate == .sold, charge?.state == "succeeded" { return ["succeeded"] }
        if own.contains(where: { $0.status == nil }) { return ["declined", "cancelled"] }
        let isDeclined = own.contains { $0.status == "requires_payment_method" } || charge?.state == "declined"
        return isDeclined ? ["declined"] : ["cancelled"]
    }

    private var statesByPayments: Set<String> {
        switch charge?.state {
        case "succeeded": ["succeeded", "partlyRefunded", "refunded", "disputed", "needsOperator"]
        case "declined": ["declined"]
        case "refunded": ["refunded"]
        case "needsOperator", "uncaptured": ["needsOperator"]
        // Up to what the gateway has nevertheless returned.
        case "settled": ["succeeded", "partlyRefunded", "refunded", "cancelled"]
        case "voided", nil: ["cancelled"]
        case let other?: [other]
        }
    }

    private var captures: [LedgerPayment] { (ledger ?? []).filter { $0.captured > 0 } }

    /// At most one capture for each order, whatever the outcome of the order.
    private var captureFindings: [Finding] {
        guard captures.count > 1 else { return [] }
        let listed = captures.map { "\($0.id) (\($0.money($0.captured)))" }.sorted().joined(separator: ", ")
        return [finding(.payments, "was charged \(captures.count) times: \(listed)")]
    }

    /// A payment that needs an operator has an open dead letter, where operators look.
    private var operatorFindings: [Finding] {
        guard let charge, charge.needsOperator || charge.hasRefusedRefund, !hasOpenPayment else { return [] }
        return [finding(.payments, "has a payment that needs an operator, but no open dead letter reports it", awaits: .payments)]
    }

    /// The ledger of refunds adds up to what the payment reports, to no more than was captured, and to what the gateway has.
    private var refundFindings: [Finding] {
        guard let charge, !charge.isTombstone else { return [] }
        if charge.refundsMade > charge.amount.amount {
            return [finding(.payments, "has refunds of \(money(charge.refundsMade)), and \(charge.amount.text) was charged")]
        }
        // Before there was a ledger, only the sum was kept.
        if charge.refundsMade != 0, charge.refundsMade != charge.refunded {
            return [finding(.payments, "has refunds of \(money(charge.refundsMade)), and its payment reports \(money(charge.refunded))", awaits: .payments)]
        }
        guard let ledger, charge.refundsMade != 0 else { return [] }
        let refunded = own(of: ledger).reduce(0) { $0 + $1.refunded }
        if refunded == charge.refundsMade { return [] }
        return [finding(.payments, "has refunds of \(money(charge.refundsMade)), and the gateway has refunded \(money(refunded))", awaits: .payments)]
    }

    private var amountFindings: [Finding] {
        guard let charge, !charge.isTombstone, charge.amount != total else { return [] }
        return [finding(.payments, "has a total of \(total.text), but a charge of \(charge.amount.text)")]
    }

    private var saleFindings: [Finding] {
        guard let charge else { return [finding(.payments, "is confirmed, but the payment service has no charge")] }
        let kept = total.amount - (saga?.refunded ?? 0)
        if charge.isUntaken { return untakenFindings }
        if charge.state != "succeeded", kept > 0 { return [finding(.payments, "is confirmed, but its charge is \(charge.state)")] }
        if charge.isToBeVoided, kept > 0 { return [finding(.payments, "is confirmed, but its charge is to be voided", awaits: .payments)] }
        // A second capture has been reported already.
        guard ledger != nil, captures.count < 2 else { return [] }
        guard let capture = captures.first else {
            return total.amount == 0 ? [] : [finding(.payments, "is confirmed, but the gateway has taken nothing for it")]
        }
        if capture.id != charge.intent {
            return [finding(.payments, "was charged as \(charge.intent ?? "nothing"), but the gateway has \(capture.id)")]
        }
        let captured = Money(amount: capture.captured, currency: capture.currency.uppercased())
        if captured != total { return [finding(.payments, "has a total of \(total.text), but \(captured.text) were taken (\(capture.id))")] }
        if capture.kept != kept {
            return [finding(.payments, "should have \(money(kept)) of its \(total.text) kept, but the gateway keeps \(money(capture.kept)) (\(capture.id))")]
        }
        return []
    }

    /// The findings on an order whose payment is captured at its shipment, or could not be.
    private var untakenFindings: [Finding] {
        if charge?.state == "authorized", fulfilment?.shipped.isEmpty == false {
            return [finding(.payments, "was shipped, but its payment is not captured", awaits: .payments)]
        }
        guard let taken = captures.first else { return [] }
        return [finding(.payments, "has its payment recorded as not taken, but the gateway has taken \(taken.money(taken.captured)) (\(taken.id))", awaits: .payments)]
    }

    private var givenUpFindings: [Finding] {
        var wrong: [Finding] = []
        if let charge, ["begun", "requiresAction", "authorized", "uncaptured", "succeeded"].contains(charge.state) {
            wrong.append(finding(.payments, "was given up, but its charge is \(charge.state)", awaits: .payments))
        }
        let kept = captures.filter { $0.kept != 0 }
        // A dead letter asks an operator to handle it, or an operator has done so.
        if !kept.isEmpty, charge?.state != "needsOperator", charge?.state != "settled" {
            let listed = kept.map { "\($0.money($0.kept)) (\($0.id))" }.sorted().joined(separator: ", ")
            wrong.append(finding(.payments, "was given up, but the gateway keeps \(listed)", awaits: .payments))
        }
        return wrong
    }
}
