/// Every payment and refund, and the totals over them. All decisions are here and in ``PaymentIntent``, without I/O.
struct PaymentBook: Sendable {
    /// Some 1 KB each; past this many a new one is refused with 429.
    static let maximumPayments = 2_000_000
    static let maximumRefunds = 2_000_000

    /// In the order of their creation.
    private(set) var payments: [PaymentIntent] = []
    private(set) var refunds: [Refund] = []
    private(set) var totals = Totals()

    private var paymentPositions: [String: Int] = [:]
    private var refundPositions: [String: Int] = [:]
    private(set) var positionsByOrder: [String: [Int]] = [:]
    private(set) var positionsByCustomer: [String: [Int]] = [:]
    private(set) var refundPositionsByPayment: [String: [Int]] = [:]

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
            created: max(now, refunds.last?.created ?? now), metadata: draft.metadata, paymentIntent: payment.id, reason: draft.reason)
        store(payment)
        store(refund)
        return Outcome(reply: .refund, payment: payment, refund: refund, events: [WebhookEvent(.refunded, created: now)])
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
        guard refundPositions[refund.id] == nil else { return }
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
        }
    }
}

extension Outcome {
    init(_ payment: PaymentIntent, after happening: PaymentIntent.Happening?, now: Int) {
        self.init(reply: .payment, payment: payment, events: WebhookEvent.all(for: happening, to: payment, now: now))
        if case .failed(let failure) = happening { reply = .failure(failure.error) }
    }
}
