import JSON

extension PaymentBook {
    func customerOutcome(of command: PaymentCommand, now: Int) throws(StripeError) -> Outcome {
        switch command {
        case .createCustomer(let draft): return try create(draft, now: now)
        case .changeCustomer(let id, let draft):
            var customer = try living(id)
            customer.apply(draft)
            return Outcome(reply: .customer, customer: customer, events: [WebhookEvent(.customerUpdated, created: now)])
        case .deleteCustomer(let id):
            var customer = try living(id)
            customer.isDeleted = true
            customer.revision += 1
            let own = methods.filter { $0.customer == id }.map(Self.detached)
            return Outcome(reply: .customer, customer: customer, methods: own, events: [WebhookEvent(.customerDeleted, created: now)])
        case .createMethod(let card, let metadata):
            guard methods.count < Self.maximumMethods else { throw .full("payment methods", limit: Self.maximumMethods) }
            let method = PaymentMethod(id: Identifier.make("pm_"), card: card, created: now, metadata: metadata.applied(to: [:]))
            return Outcome(reply: .method, methods: [method])
        case .attach(let id, let customer):
            let method = try attached(id, to: try living(customer, parameter: "customer", status: 400).id)
            return Outcome(reply: .method, methods: [method], events: [WebhookEvent(.methodAttached, created: now)])
        case .detach(let id):
            guard let method = method(id) else { throw .noSuch("PaymentMethod", id, parameter: "payment_method") }
            guard method.customer != nil else {
                throw .invalidRequest("The payment method you provided is not attached to a customer so detachment is impossible.", parameter: "payment_method")
            }
            return Outcome(reply: .method, methods: [Self.detached(method)], events: [WebhookEvent(.methodDetached, created: now)])
        default: throw .serverError
        }
    }

    private func create(_ draft: StripeCustomer.Draft, now: Int) throws(StripeError) -> Outcome {
        guard customers.count < Self.maximumCustomers else { throw .full("customers", limit: Self.maximumCustomers) }
        var customer = StripeCustomer(id: Identifier.make("cus_"), created: max(now, customers.last?.created ?? now))
        customer.apply(draft)
        var methods: [PaymentMethod] = []
        if let method = draft.paymentMethod { methods = [try attached(method, to: customer.id)] }
        let events = [WebhookEvent.Kind.customerCreated] + (methods.isEmpty ? [] : [.methodAttached])
        return Outcome(reply: .customer, customer: customer, methods: methods, events: events.map { WebhookEvent($0, created: now) })
    }

    /// Attaching a test method creates a copy with its own id.
    private func attached(_ id: String, to customer: String) throws(StripeError) -> PaymentMethod {
        guard methods.count < Self.maximumMethods else { throw .full("payment methods", limit: Self.maximumMethods) }
        guard var method = try usableMethod(id, by: customer) else { throw .missingParameter("payment_method") }
        switch method.card.charge {
        // The bank checks a card when it is attached; the charges of this one fail only later.
        case .declined(let decline) where method.card != .chargeOfCustomerFails && method.card.authentication == .none:
            throw StripeError(status: 402, kind: .card, code: decline.code, declineCode: decline.bankCode, message: decline.message)
        default: break
        }
        method.customer = customer
        method.revision += 1
        return method
    }

    private static func detached(_ method: PaymentMethod) -> PaymentMethod {
        var method = method
        (method.customer, method.isSpent) = (nil, true)
        method.revision += 1
        return method
    }

    private func living(_ id: String, parameter: String = "id", status: Int = 404) throws(StripeError) -> StripeCustomer {
        guard let customer = customer(id), !customer.isDeleted else { throw .noSuch("customer", id, parameter: parameter, status: status) }
        return customer
    }

    // MARK: Behind references

    // Each function writes the object with the given id, and returns false if no object has it.
    func write(customer id: String?, to writer: inout JSONWriter) -> Bool {
        guard let customer = id.flatMap({ self.customer($0) }) else { return false }
        customer.write(to: &writer)
        return true
    }

    func write(transaction id: String?, to writer: inout JSONWriter) -> Bool {
        guard let transaction = id.flatMap({ self.transaction($0) }) else { return false }
        transaction.write(to: &writer, at: now)
        return true
    }

    func write(charge id: String?, to writer: inout JSONWriter, _ showing: Showing) -> Bool {
        guard let id, let payment = payment(ofCharge: id), let attempt = payment.attempts.last(where: { $0.id == id }) else { return false }
        payment.write(attempt, to: &writer, showing)
        return true
    }

    func write(payment id: String?, to writer: inout JSONWriter, _ showing: Showing) -> Bool {
        guard let payment = id.flatMap({ payment($0) }) else { return false }
        payment.write(to: &writer, showing)
        return true
    }
}
