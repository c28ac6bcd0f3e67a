/// All of PayPal's payments, as a value: each change either happens as a whole, with its events, or is refused.
struct PayPalBook: Sendable {
    /// The most payments that are kept, at some 2 KB each.
    static let maximumPayments = 500_000

    struct Change: Sendable {
        let payment: PayPalPayment
        var events: [PayPalEvent] = []
    }

    private var payments: [String: PayPalPayment] = [:]
    /// The ids of the payments, oldest first.
    private(set) var ids: [String] = []
    private var orderOfCapture: [String: String] = [:]
    private var orderOfRefund: [String: String] = [:]
    private var orderOfDispute: [String: String] = [:]
    /// The invoice ids that were captured: PayPal captures only once under each.
    private var capturedInvoices: Set<String> = []

    subscript(id: String) -> PayPalPayment? { payments[id] }

    func payment(ofCapture id: String) -> PayPalPayment? { orderOfCapture[id].flatMap { payments[$0] } }
    func payment(ofRefund id: String) -> PayPalPayment? { orderOfRefund[id].flatMap { payments[$0] } }
    func payment(ofDispute id: String) -> PayPalPayment? { orderOfDispute[id].flatMap { payments[$0] } }

    /// Restores a payment from the journal, in its state after one change. Ignores a state that is older than the known one.
    mutating func restore(_ payment: PayPalPayment) {
        if let known = payments[payment.id], known.revision ?? 0 > payment.revision ?? 0 { return }
        if payments.updateValue(payment, forKey: payment.id) == nil { ids.append(payment.id) }
        if let capture = payment.capture {
            orderOfCapture[capture.id] = payment.id
            if let invoice = payment.invoice { capturedInvoices.insert(invoice) }
        }
        for refund in payment.refunds { orderOfRefund[refund.id] = payment.id }
        if let dispute = payment.dispute { orderOfDispute[dispute.id] = payment.id }
    }

    mutating func create(_ payment: PayPalPayment) throws(PayPalError) -> Change {
        guard ids.count < Self.maximumPayments else { throw .serverError }
        ids.append(payment.id)
        payments[payment.id] = payment
        return Change(payment: payment)
    }

    /// Applies the customer's choice on the page. Giving up changes nothing, and PayPal sends no event about it.
    mutating func choose(_ choice: PayPalPayment.Choice, of id: String, now: Int) throws(PayPalError) -> Change {
        var payment = try known(id, now)
        guard payment.capture == nil, choice != .cancel else { return Change(payment: payment) }
        (payment.status, payment.choice, payment.updated) = (.approved, choice, now)
        return keep(payment, .init(.orderApproved, .order))
    }

    mutating func capture(_ id: String, now: Int) throws(PayPalError) -> Change {
        var payment = try known(id, now)
        if payment.capture != nil { throw .unprocessable("ORDER_ALREADY_CAPTURED", "Order already captured.") }
        guard payment.status == .approved else { throw .unprocessable("ORDER_NOT_APPROVED", "Payer has not yet approved the Order for payment.") }
        if let invoice = payment.invoice, capturedInvoices.contains(invoice) { throw .unprocessable("DUPLICATE_INVOICE_ID", "Duplicate Invoice ID detected.") }
        payment.updated = now
        guard payment.choice != .decline else {
            // The customer may choose another instrument on the same page.
            payment.status = payment.hasSource ? .payerActionRequired : .created
            _ = store(payment)
            throw .unprocessable("INSTRUMENT_DECLINED", "The instrument presented was either declined by the processor or bank.")
        }
        let capture = PayPalPayment.Capture(id: PayPalID.make(), status: payment.choice == .review ? .pending : .completed, at: now)
        (payment.status, payment.capture) = (.completed, capture)
        orderOfCapture[capture.id] = id
        if let invoice = payment.invoice { capturedInvoices.insert(invoice) }
        return keep(payment, .init(capture.status == .pending ? .capturePending : .captureCompleted, .capture))
    }

    /// Ends a review.
    mutating func settleCapture(_ id: String, isCompleted: Bool, now: Int) throws(PayPalError) -> Change {
        guard var payment = payment(ofCapture: id), payment.capture?.status == .pending else { throw .notFound }
        payment.capture?.status = isCompleted ? .completed : .declined
        payment.updated = now
        return keep(payment, .init(isCompleted ? .captureCompleted : .captureDenied, .capture))
    }

    mutating func refund(_ draft: PayPalRefundDraft, of capture: String, now: Int) throws(PayPalError) -> Change {
        guard var payment = payment(ofCapture: capture) else { throw .notFound }
        guard payment.capture?.status == .completed else { throw .unprocessable("CAPTURE_NOT_COMPLETED", "The capture is not completed.") }
        let left = payment.amount.units - payment.refunded
        guard left > 0 else { throw .unprocessable("CAPTURE_FULLY_REFUNDED", "The capture has already been fully refunded.") }
        let amount = try draft.amount.map { given throws(PayPalError) in try PayPalMoney(given) } ?? PayPalMoney(currency: payment.amount.currency, units: left)
        guard amount.currency == payment.amount.currency else { throw .unprocessable("CURRENCY_MISMATCH", "The currency of the refund must be that of the capture.") }
        guard amount.units <= left else { throw .unprocessable("REFUND_AMOUNT_EXCEEDED", "The refund amount must be less than or equal to the capture amount not yet refunded.") }
        if payment.dispute.map({ $0.outcome == nil }) ?? false { throw .unprocessable("TRANSACTION_DISPUTED", "Partial refunds are not allowed while a case is open.") }
        let refund = PayPalPayment.Refund(
            id: PayPalID.make(), status: payment.choice == .bank ? .pending : .completed, amount: amount, invoice: draft.invoice, custom: draft.custom,
            note: draft.note, at: now)
        payment.refunds.append(refund)
        payment.updated = now
        orderOfRefund[refund.id] = payment.id
        return keep(payment, .init(refund.status == .pending ? .refundPending : .captureRefunded, .refund(refund.id)))
    }

    mutating func settleRefund(_ id: String, isCompleted: Bool, now: Int) throws(PayPalError) -> Change {
        guard var payment = payment(ofRefund: id), let place = payment.refunds.firstIndex(where: { $0.id == id }) else { throw .notFound }
        payment.refunds[place].status = isCompleted ? .completed : .failed
        payment.updated = now
        return keep(payment, .init(isCompleted ? .captureRefunded : .refundFailed, .refund(id)))
    }

    mutating func dispute(_ capture: String, reason: String, now: Int) throws(PayPalError) -> Change {
        guard var payment = payment(ofCapture: capture), payment.dispute == nil else { throw .notFound }
        let dispute = PayPalPayment.Dispute(id: "PP-R-\(PayPalID.make())", reason: reason, at: now)
        (payment.dispute, payment.updated) = (dispute, now)
        orderOfDispute[dispute.id] = payment.id
        return keep(payment, .init(.disputeCreated, .dispute))
    }

    mutating func resolve(_ dispute: String, outcome: String, now: Int) throws(PayPalError) -> Change {
        guard var payment = payment(ofDispute: dispute), payment.dispute?.outcome == nil else { throw .notFound }
        payment.dispute?.outcome = outcome
        payment.updated = now
        return keep(payment, .init(.disputeResolved, .dispute))
    }

    func known(_ id: String, _ now: Int) throws(PayPalError) -> PayPalPayment {
        guard let payment = payments[id], !payment.isGone(at: now) else { throw .notFound }
        return payment
    }

    private mutating func keep(_ payment: PayPalPayment, _ event: PayPalEvent) -> Change {
        Change(payment: store(payment), events: [event])
    }

    /// Every change of a known payment goes through here, so that none keeps the revision of the state before it.
    private mutating func store(_ payment: PayPalPayment) -> PayPalPayment {
        var payment = payment
        payment.revision = (payment.revision ?? 0) + 1
        payments[payment.id] = payment
        return payment
    }
}
