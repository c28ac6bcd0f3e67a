/// Every payment and refund, and the totals over them. All decisions are here and in ``PaymentIntent``, without I/O.
struct PaymentBook: Sendable {
    /// Some 1 KB each; past this many a new one is refused with 429.
    static let maximumPayments = 2_000_000
    static let maximumRefunds = 2_000_000
    /// Seconds until a refund that ends later has ended.
    static let refundDelay = 5

    /// In the order of their creation.
    private(set) var payments: [PaymentIntent] = []
    private(set) var refunds: [Refund] = []
    private(set) var totals = Totals()

    private var paymentPositions: [String: Int] = [:]
    private var refundPositions: [String: Int] = [:]
    private(set) var positionsByOrder: [String: [Int]] = [:]
    private(set) var positionsByCustomer: [String: [Int]] = [:]
    private(set) var refundPositionsByPayment: [String: [Int]] = [:]
    /// Those whose end is still to come.
    private var openRefunds: Set<String> = []

    func position(ofPayment id: String) -> Int? { paymentPositions[id] }
    func position(ofRefund id: String) -> Int? { refundPositions[id] }
    func payment(_ id: String) -> PaymentIntent? { paymentPositions[id].map { payments[$0] } }
    func refund(_ id: String) -> Refund? { refundPositions[id].map { refunds[$0] } }

    /// Carries `command` out. A refusal is an outcome too: it changes nothing, and states the reason.
    mutating func apply(_ command: PaymentCommand, idempotencyKey: String?, now: Int) -> Outcome {
        do {
            switch command {
            case .create(let draft):
                return try create(draft, idempotencyKey: idempotencyKey, now: now)
            case .confirm(let id, let confirmation):
                return try change(id, now: now) { payment throws(StripeError) in
                    let card = try Self.card(confirmation.paymentMethod)
                    let happening = try payment.confirm(with: card, offSession: confirmation.offSession)
                    payment.returnURL = confirmation.returnURL ?? payment.returnURL
                    return happening
                }
            case .capture(let id, let amount):
                return try change(id, now: now) { payment throws(StripeError) in try payment.capture(amount) }
            case .cancel(let id, let reason):
                return try change(id, now: now) { payment throws(StripeError) in try payment.cancel(reason, at: now) }
            case .authenticate(let id, let result):
                var outcome = try change(id, now: now) { payment throws(StripeError) in try payment.authenticate(result) }
                // The customer's part succeeded; the failed payment is reported to the merchant.
                outcome.reply = .payment
                return outcome
            case .refund(let draft):
                return try refund(draft, now: now)
            case .closeDispute(let id, let status):
                var outcome = try change(try disputed(id).id, now: now) { payment throws(StripeError) in try payment.closeDispute(status) }
                outcome.reply = .dispute
                return outcome
            case .endRefund(let id):
                return try endRefund(id, now: now)
            }
        } catch {
            return .failure(error, payment: error.showsPayment ? command.paymentID.flatMap(payment) : nil)
        }
    }

    /// Applies the changes of an outcome. States older than the current one are ignored.
    mutating func store(_ outcome: Outcome) {
        if let payment = outcome.payment { store(payment) }
        if let refund = outcome.refund { store(refund) }
    }

    private mutating func create(_ draft: PaymentDraft, idempotencyKey: String?, now: Int) throws(StripeError) -> Outcome {
        guard payments.count < Self.maximumPayments else { throw .full("payments", limit: Self.maximumPayments) }
        let card = try Self.card(draft.paymentMethod)
        // Lists are sorted by time: a clock that is set back must not disturb them.
        let created = max(now, payments.last?.created ?? now)
        var payment = PaymentIntent(draft, card: card, idempotencyKey: idempotencyKey, created: created)
        let happening = draft.confirm ? try payment.confirm(with: nil, offSession: draft.offSession) : nil
        store(payment)
        var outcome = Outcome(payment, after: happening, now: now)
        outcome.events.insert(WebhookEvent(.created, created: now), at: 0)
        return outcome
    }

    private mutating func change(
        _ id: String, now: Int, _ transition: (inout PaymentIntent) throws(StripeError) -> PaymentIntent.Happening
    ) throws(StripeError) -> Outcome {
        guard var payment = payment(id) else { throw .noSuch("payment_intent", id, parameter: "intent") }
        let happening = try transition(&payment)
        store(payment)
        return Outcome(payment, after: happening, now: now)
    }

    private mutating func refund(_ draft: RefundDraft, now: Int) throws(StripeError) -> Outcome {
        guard refunds.count < Self.maximumRefunds else { throw .full("refunds", limit: Self.maximumRefunds) }
        guard var payment = payment(draft.paymentIntent) else {
            throw .noSuch("payment_intent", draft.paymentIntent, parameter: "payment_intent", status: 400)
        }
        let amount = try payment.refund(draft.amount)
        let refund = Refund(
            id: Identifier.make("re_"), amount: amount, currency: payment.currency, charge: payment.latestCharge,
            created: max(now, refunds.last?.created ?? now), metadata: draft.metadata, paymentIntent: payment.id, reason: draft.reason,
            card: payment.card, delay: Self.refundDelay)
        store(payment)
        store(refund)
        let events = [WebhookEvent.Kind.refundCreated, .refunded].map { WebhookEvent($0, created: now) }
        return Outcome(reply: .refund, payment: payment, refund: refund, events: events)
    }

    private mutating func endRefund(_ id: String, now: Int) throws(StripeError) -> Outcome {
        guard let refund = refund(id)?.ended(), var payment = payment(refund.paymentIntent) else { throw .noSuch("refund", id, parameter: "refund") }
        if refund.status == .failed {
            payment.takeBack(refund.amount)
            store(payment)
        }
        store(refund)
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

    private mutating func store(_ payment: PaymentIntent) {
        if let position = paymentPositions[payment.id] {
            guard payments[position].revision < payment.revision else { return }
            totals.count(from: payments[position], to: payment)
            payments[position] = payment
        } else {
            paymentPositions[payment.id] = payments.count
            if let order = payment.orderID { positionsByOrder[order, default: []].append(payments.count) }
            if let customer = payment.customer { positionsByCustomer[customer, default: []].append(payments.count) }
            totals.count(from: nil, to: payment)
            payments.append(payment)
        }
    }

    private mutating func store(_ refund: Refund) {
        if refund.end == nil { openRefunds.remove(refund.id) } else { openRefunds.insert(refund.id) }
        if let position = refundPositions[refund.id] {
            // It has ended: entries of the journal may arrive in any order.
            if refund.end == nil { refunds[position] = refund } else { openRefunds.remove(refund.id) }
            return
        }
        refundPositions[refund.id] = refunds.count
        refundPositionsByPayment[refund.paymentIntent, default: []].append(refunds.count)
        refunds.append(refund)
    }

    private static func card(_ paymentMethod: String?) throws(StripeError) -> TestCard? {
        guard let paymentMethod else { return nil }
        guard let card = TestCard(rawValue: paymentMethod) else {
            throw .noSuch("PaymentMethod", paymentMethod, parameter: "payment_method", status: 400)
        }
        return card
    }
}

extension PaymentCommand {
    /// The payment that it is about; nil for a new one.
    var paymentID: String? {
        switch self {
        case .create: nil
        case .confirm(let id, _), .capture(let id, _), .cancel(let id, _), .authenticate(let id, _): id
        case .refund(let draft): draft.paymentIntent
        case .closeDispute, .endRefund: nil
        }
    }
}

extension Outcome {
    init(_ payment: PaymentIntent, after happening: PaymentIntent.Happening?, now: Int) {
        self.init(reply: .payment, payment: payment, events: WebhookEvent.all(for: happening, to: payment, now: now))
        if case .failed(let failure) = happening { reply = .failure(failure.error) }
    }
}
