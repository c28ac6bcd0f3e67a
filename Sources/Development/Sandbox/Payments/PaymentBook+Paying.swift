extension PaymentBook {
    func create(_ draft: PaymentDraft, idempotencyKey: String?, now: Int) throws(StripeError) -> Outcome {
        guard payments.count < Self.maximumPayments else { throw .full("payments", limit: Self.maximumPayments) }
        try Currencies.check(draft.currency)
        try Currencies.check(draft.amount, of: draft.currency)
        try expectCustomer(draft.customer)
        let method = try usableMethod(draft.paymentMethod, by: draft.customer)
        // Lists are sorted by time, which a clock that is set back must not disturb.
        let created = max(now, payments.last?.created ?? now)
        var payment = PaymentIntent(draft, card: method?.card, methodID: method?.id, idempotencyKey: idempotencyKey, created: created)
        var happening: PaymentIntent.Happening?
        if draft.confirm {
            let circumstances = PaymentIntent.Circumstances(
                offSession: draft.offSession, isSetUp: method?.customer != nil, requestsAuthentication: draft.requestsAuthentication, failsOnAction: draft.failsOnAction)
            happening = try payment.confirm(with: nil, methodID: nil, circumstances, at: now)
        }
        var outcome = Outcome(payment, after: happening, now: now)
        outcome.events.insert(WebhookEvent(.created, created: now), at: 0)
        outcome.methods = used(method, by: payment, after: happening, now: now)
        return outcome
    }

    func confirm(_ id: String, _ confirmation: PaymentCommand.Confirmation, now: Int) throws(StripeError) -> Outcome {
        guard var payment = payment(id) else { throw .noSuch("payment_intent", id, parameter: "intent") }
        let method = try usableMethod(confirmation.paymentMethod, by: payment.customer) ?? payment.paymentMethod.flatMap { self.method($0) }
        let circumstances = PaymentIntent.Circumstances(
            offSession: confirmation.offSession, isSetUp: method?.customer != nil, requestsAuthentication: confirmation.requestsAuthentication,
            failsOnAction: confirmation.failsOnAction)
        let newCard = confirmation.paymentMethod == nil ? nil : method?.card
        let happening = try payment.confirm(with: newCard, methodID: method?.id, circumstances, at: now)
        payment.returnURL = confirmation.returnURL ?? payment.returnURL
        let terms = (payment.terms ?? PaymentIntent.Terms()).merging(confirmation.terms)
        payment.terms = terms == PaymentIntent.Terms() ? nil : terms
        var outcome = Outcome(payment, after: happening, now: now)
        outcome.methods = used(method, by: payment, after: happening, now: now)
        return outcome
    }

    func changed(_ id: String, _ wanted: PaymentChange) throws(StripeError) -> Outcome {
        guard var payment = payment(id) else { throw .noSuch("payment_intent", id, parameter: "intent") }
        if let currency = wanted.currency { try Currencies.check(currency) }
        if let amount = wanted.amount { try Currencies.check(amount, of: wanted.currency ?? payment.currency) }
        try expectCustomer(wanted.customer)
        let method = try usableMethod(wanted.paymentMethod, by: wanted.customer ?? payment.customer)
        try payment.change(wanted, card: method?.card, methodID: method?.id)
        return Outcome(reply: .payment, payment: payment)
    }

    private func expectCustomer(_ id: String?) throws(StripeError) {
        guard let id else { return }
        guard let customer = customer(id), !customer.isDeleted else { throw .noSuch("customer", id, parameter: "customer", status: 400) }
    }

    /// A test method, which is copied at each use, or a stored one that may still be used.
    func usableMethod(_ id: String?, by customer: String?) throws(StripeError) -> PaymentMethod? {
        guard let id else { return nil }
        if let card = TestCard(rawValue: id) { return PaymentMethod(id: Identifier.make("pm_"), card: card, created: now) }
        guard let method = method(id) else { throw .noSuch("PaymentMethod", id, parameter: "payment_method", status: 400) }
        if method.isSpent {
            throw .invalidRequest(
                "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, or was detached from a Customer, and may not be used again.",
                parameter: "payment_method")
        }
        guard method.customer == nil || method.customer == customer else {
            throw .invalidRequest(
                "The provided PaymentMethod cannot be attached. To use this PaymentMethod you must set the customer parameter to the Customer that it is attached to.",
                parameter: "payment_method")
        }
        return method
    }

    /// Keeps a payment method that was used for the customer if that was requested; one that belongs to no customer cannot be used again.
    private func used(_ method: PaymentMethod?, by payment: PaymentIntent, after happening: PaymentIntent.Happening?, now: Int) -> [PaymentMethod] {
        guard var method, method.customer == nil, happening != nil else { return [] }
        if case .failed = happening { return [] }
        let isKept = payment.customer != nil && payment.terms?.setupFutureUsage != nil
        // Copies of test methods are not stored unless they are kept.
        guard isKept || self.method(method.id) != nil else { return [] }
        if isKept { method.customer = payment.customer } else { method.isSpent = true }
        method.revision += 1
        return [method]
    }
}
