/// Every payment, refund and customer, and the totals over them. All decisions are here and in ``PaymentIntent``, without I/O.
struct PaymentBook: Sendable {
    /// Some 1 KB each; past this many a new one is refused with 429.
    static let maximumPayments = 2_000_000
    static let maximumRefunds = 2_000_000
    static let maximumCustomers = 1_000_000
    static let maximumMethods = 1_000_000
    /// Seconds until a refund that ends later has ended.
    static let refundDelay = 5

    private(set) var payments = Records<PaymentIntent>()
    private(set) var refunds = Records<Refund>()
    private(set) var customers = Records<StripeCustomer>()
    private(set) var methods = Records<PaymentMethod>()
    private(set) var transactions = Records<BalanceTransaction>()
    private(set) var totals = Totals()
    /// The time of the last command.
    private(set) var now = 0

    /// The payment of each charge.
    private var chargePositions: [String: Int] = [:]
    private(set) var positionsByOrder: [String: [Int]] = [:]
    private(set) var refundPositionsByPayment: [String: [Int]] = [:]
    /// Those whose end is still to come.
    private var openRefunds: Set<String> = []
    /// The payments that change by themselves.
    private var duePayments: Set<String> = []

    func payment(_ id: String) -> PaymentIntent? { payments[id: id] }
    func payment(ofCharge id: String) -> PaymentIntent? { chargePositions[id].map { payments[$0] } }
    func refund(_ id: String) -> Refund? { refunds[id: id] }
    func customer(_ id: String) -> StripeCustomer? { customers[id: id] }
    func method(_ id: String) -> PaymentMethod? { methods[id: id] }
    func transaction(_ id: String) -> BalanceTransaction? { transactions[id: id] }

    /// Carries `command` out. A refusal is an outcome too: it changes nothing, and states the reason.
    mutating func apply(_ command: PaymentCommand, idempotencyKey: String?, now: Int) -> Outcome {
        self.now = max(self.now, now)
        do {
            let outcome = try outcome(of: command, idempotencyKey: idempotencyKey, now: now)
            store(outcome, at: now)
            return outcome
        } catch {
            return .failure(error, payment: error.showsPayment ? command.paymentID.flatMap { payment($0) } : nil)
        }
    }

    /// The outcome of the command. Changes nothing.
    private func outcome(of command: PaymentCommand, idempotencyKey: String?, now: Int) throws(StripeError) -> Outcome {
        switch command {
        case .create(let draft): return try create(draft, idempotencyKey: idempotencyKey, now: now)
        case .confirm(let id, let confirmation): return try confirm(id, confirmation, now: now)
        case .change(let id, let wanted): return try changed(id, wanted)
        case .capture(let id, let amount):
            return try change(id, now: now) { payment throws(StripeError) in try payment.capture(amount, at: now) }
        case .cancel(let id, let reason):
            return try change(id, now: now) { payment throws(StripeError) in try payment.cancel(reason, at: now) }
        case .authenticate(let id, let result):
            var outcome = try change(id, now: now) { payment throws(StripeError) in try payment.authenticate(result, at: now) }
            // The customer's action succeeded; the failed payment is reported to the merchant.
            outcome.reply = .payment
            return outcome
        case .pass(let id):
            var outcome = try change(id, now: now) { payment throws(StripeError) in
                guard let happening = payment.pass(to: now) else { throw .unexpectedState("Nothing is due for this PaymentIntent.") }
                return happening
            }
            outcome.reply = .payment
            return outcome
        case .refund(let draft): return try refund(draft, now: now)
        case .changeRefund(let id, let metadata):
            guard let refund = refund(id)?.with(metadata), let payment = payment(refund.paymentIntent) else { throw .noSuch("refund", id, parameter: "refund") }
            let events = [WebhookEvent.Kind.refundUpdated, .chargeRefundUpdated].map { WebhookEvent($0, created: now) }
            return Outcome(reply: .refund, payment: payment, refund: refund, events: events)
        case .closeDispute(let id, let status):
            var outcome = try change(try disputed(id).id, now: now) { payment throws(StripeError) in try payment.closeDispute(status) }
            outcome.reply = .dispute
            return outcome
        case .endRefund(let id): return try endRefund(id, now: now)
        case .createCustomer, .changeCustomer, .deleteCustomer, .createMethod, .attach, .detach: return try customerOutcome(of: command, now: now)
        }
    }

    /// Applies the changes of an outcome. States older than the current one are ignored.
    mutating func store(_ outcome: Outcome, at now: Int = 0) {
        self.now = max(self.now, now)
        if let payment = outcome.payment { store(payment) }
        if let refund = outcome.refund { store(refund) }
        if let customer = outcome.customer { store(customer) }
        for method in outcome.methods { store(method) }
    }

    private func change(
        _ id: String, now: Int, _ transition: (inout PaymentIntent) throws(StripeError) -> PaymentIntent.Happening
    ) throws(StripeError) -> Outcome {
        guard var payment = payment(id) else { throw .noSuch("payment_intent", id, parameter: "intent") }
        let happening = try transition(&payment)
        return Outcome(payment, after: happening, now: now)
    }

    private func refund(_ draft: RefundDraft, now: Int) throws(StripeError) -> Outcome {
        guard refunds.count < Self.maximumRefunds else { throw .full("refunds", limit: Self.maximumRefunds) }
        let isCharge = draft.paymentIntent.hasPrefix("ch_")
        guard var payment = isCharge ? payment(ofCharge: draft.paymentIntent) : payment(draft.paymentIntent) else {
            throw .noSuch(isCharge ? "charge" : "payment_intent", draft.paymentIntent, parameter: isCharge ? "charge" : "payment_intent", status: 400)
        }
        let amount = try payment.refund(draft.amount)
        let refund = Refund(
            id: Identifier.make("re_"), amount: amount, currency: payment.currency, charge: payment.latestCharge,
            created: max(now, refunds.last?.created ?? now), metadata: draft.metadata, paymentIntent: payment.id, reason: draft.reason,
            card: payment.card, delay: Self.refundDelay)
        let events = [WebhookEvent.Kind.refundCreated, .refunded].map { WebhookEvent($0, created: now) }
        return Outcome(reply: .refund, payment: payment, refund: refund, events: events)
    }

    private func endRefund(_ id: String, now: Int) throws(StripeError) -> Outcome {
        guard let refund = refund(id)?.ended(), var payment = payment(refund.paymentIntent) else { throw .noSuch("refund", id, parameter: "refund") }
        if refund.status == .failed { payment.takeBack(refund.amount) }
        let kinds: [WebhookEvent.Kind] = refund.status == .failed ? [.refundFailed, .chargeRefundUpdated, .refundUpdated] : [.chargeRefundUpdated, .refundUpdated]
        return Outcome(reply: .refund, payment: payment, refund: refund, events: kinds.map { WebhookEvent($0, created: now) })
    }

    /// The payment whose dispute has this id.
    func disputed(_ id: String) throws(StripeError) -> PaymentIntent {
        guard id.hasPrefix("dp_"), let payment = payment(String(id.dropFirst(3))), payment.isDisputed else {
            throw .noSuch("dispute", id, parameter: "dispute")
        }
        return payment
    }

    /// Refunds that are due to end.
    func refundsEnding(by now: Int) -> [String] {
        openRefunds.filter { refund($0)?.end.map { $0.at <= now } ?? false }.sorted()
    }

    /// Payments that are due to change by themselves.
    func paymentsDue(by now: Int) -> [String] {
        duePayments.filter { payment($0)?.dueAt.map { $0 <= now } ?? false }.sorted()
    }
}

// MARK: - Stored state

extension PaymentBook {
    private mutating func store(_ payment: PaymentIntent) {
        let known = self.payment(payment.id)
        if let known, known.revision >= payment.revision { return }
        totals.count(from: known, to: payment)
        for one in BalanceTransaction.all(from: known, to: payment, at: now) { store(one) }
        let position = payments.put(payment)
        if known == nil, let order = payment.orderID { positionsByOrder[order, default: []].append(position) }
        for attempt in payment.attempts { chargePositions[attempt.id] = position }
        if payment.dueAt == nil { duePayments.remove(payment.id) } else { duePayments.insert(payment.id) }
    }

    private mutating func store(_ refund: Refund) {
        if refund.end == nil { openRefunds.remove(refund.id) } else { openRefunds.insert(refund.id) }
        guard let known = self.refund(refund.id) else {
            refundPositionsByPayment[refund.paymentIntent, default: []].append(refunds.put(refund))
            store(BalanceTransaction(refund))
            if refund.status == .failed { store(BalanceTransaction(failed: refund, at: now)) }
            return
        }
        // Entries of the journal may arrive in any order.
        if (refund.revision ?? 0) > (known.revision ?? 0) || (known.end != nil && refund.end == nil) {
            if refund.status == .failed, known.status != .failed { store(BalanceTransaction(failed: refund, at: now)) }
            refunds.put(refund)
        } else if known.end == nil {
            openRefunds.remove(refund.id)
        }
    }

    private mutating func store(_ transaction: BalanceTransaction) {
        if self.transaction(transaction.id) == nil { transactions.put(transaction) }
    }

    private mutating func store(_ customer: StripeCustomer) {
        if let known = self.customer(customer.id), known.revision >= customer.revision { return }
        customers.put(customer)
    }

    private mutating func store(_ method: PaymentMethod) {
        if let known = self.method(method.id), known.revision >= method.revision { return }
        methods.put(method)
    }
}

extension PaymentCommand {
    /// The payment that it is about; nil for a new one.
    var paymentID: String? {
        switch self {
        case .confirm(let id, _), .change(let id, _), .capture(let id, _), .cancel(let id, _), .authenticate(let id, _), .pass(let id): id
        case .refund(let draft): draft.paymentIntent
        default: nil
        }
    }
}

extension Outcome {
    init(_ payment: PaymentIntent, after happening: PaymentIntent.Happening?, now: Int) {
        self.init(reply: .payment, payment: payment, events: WebhookEvent.all(for: happening, to: payment, now: now))
        if case .failed(let failure) = happening { reply = .failure(failure.error) }
    }
}
