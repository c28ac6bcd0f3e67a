/// The life cycle of a payment intent. Each transition either changes it and returns what happened, or throws and changes nothing.
///
/// ```
/// requires_payment_method ─► requires_confirmation ─► requires_action ─► processing ─► requires_capture ─► succeeded
///          ▲   declined                │                    │               │                   │
///          └───────────────────────────┴────────────────────┴───────────────┘  all but succeeded ─► canceled
/// ```
extension PaymentIntent {
    enum Happening: Sendable, Equatable {
        case succeeded
        /// Money that had been authorised before was taken.
        case captured
        case failed(PaymentFailure)
        case authenticationAsked
        case processing
        case captureAwaited
        case canceled
        /// The authorised money was released to the customer.
        case authorizationReleased
        case authorizationExpired
        case disputeClosed(DisputeStatus)
    }

    enum AuthenticationResult: String, Sendable, CaseIterable, Decodable {
        case succeed
        case fail
    }

    /// The circumstances of a confirmation.
    struct Circumstances: Sendable, Equatable {
        var offSession = false
        /// Whether the card was set up for payments without its owner.
        var isSetUp = false
        var requestsAuthentication = false
        /// Whether the payment is declined if authentication is needed.
        var failsOnAction = false
    }

    /// Charges `newCard`, or the card that it has already.
    mutating func confirm(with newCard: TestCard?, offSession: Bool) throws(StripeError) -> Happening {
        try confirm(with: newCard, methodID: newCard?.rawValue, Circumstances(offSession: offSession), at: created)
    }

    mutating func confirm(with newCard: TestCard?, methodID: String?, _ circumstances: Circumstances, at now: Int) throws(StripeError) -> Happening {
        switch status {
        case .requiresPaymentMethod, .requiresConfirmation, .requiresAction:
            break
        case .succeeded:
            throw .unexpectedState(
                "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed.")
        case .requiresCapture, .canceled, .processing:
            throw .unexpectedState("You cannot confirm this PaymentIntent because it has a status of \(status.rawValue).")
        }
        guard let card = newCard ?? card else {
            throw .unexpectedState(
                "You cannot confirm this PaymentIntent because it's missing a payment method. Update the PaymentIntent with a payment "
                    + "method and then confirm it again.")
        }
        guard paymentMethodTypes.contains(card.type) || terms?.automaticMethods == true else {
            throw .invalidRequest(
                "The PaymentMethod provided (\(card.type)) is not allowed for this PaymentIntent. Please attach a PaymentMethod of one of the following types: "
                    + paymentMethodTypes.joined(separator: ", "), parameter: "payment_method")
        }
        revision += 1
        testCard = card
        if newCard != nil { paymentMethod = methodID }
        if needsAuthentication(card, circumstances) {
            if circumstances.offSession || circumstances.failsOnAction { return fail(.authenticationRequired(charge: Identifier.make("ch_"), card: card), at: now) }
            status = .requiresAction
            lastFailure = nil
            return .authenticationAsked
        }
        return charge(card, at: now)
    }

    private func needsAuthentication(_ card: TestCard, _ circumstances: Circumstances) -> Bool {
        switch card.authentication {
        case .none: false
        case .optional: circumstances.requestsAuthentication
        case .onSession: !circumstances.offSession
        case .unlessSetUp: !circumstances.offSession || !circumstances.isSetUp
        case .always: true
        }
    }

    /// The customer's choice on the bank's page.
    mutating func authenticate(_ result: AuthenticationResult, at now: Int? = nil) throws(StripeError) -> Happening {
        guard status == .requiresAction, let card else {
            throw .unexpectedState("This PaymentIntent awaits no authentication: it has a status of \(status.rawValue).")
        }
        revision += 1
        switch result {
        case .succeed: return charge(card, at: now ?? created)
        case .fail: return fail(.authenticationFailed(card: card), at: now ?? created)
        }
    }

    /// Captures the authorised money, or a part of it; the rest goes back to the customer.
    mutating func capture(_ wanted: Int?, at now: Int? = nil) throws(StripeError) -> Happening {
        guard status == .requiresCapture else {
            throw .unexpectedState(
                "This PaymentIntent could not be captured because it has a status of \(status.rawValue). Only a PaymentIntent with one "
                    + "of the following statuses may be captured: requires_capture.")
        }
        let captured = wanted ?? amountCapturable
        guard captured <= amountCapturable else {
            throw .amountTooLarge(
                "The payment could not be captured because the requested capture amount is greater than the authorized amount.",
                parameter: "amount_to_capture")
        }
        revision += 1
        status = .succeeded
        amountReceived = captured
        amountReleased = amountCapturable > captured ? amountCapturable - captured : nil
        amountCapturable = 0
        noteCapture(at: now ?? created)
        return .captured
    }

    mutating func cancel(_ reason: CancellationReason?, at now: Int) throws(StripeError) -> Happening {
        guard status != .succeeded, status != .canceled, status != .processing else {
            throw .unexpectedState(
                "You cannot cancel this PaymentIntent because it has a status of \(status.rawValue). Only a PaymentIntent with one of "
                    + "the following statuses may be canceled: requires_payment_method, requires_capture, requires_confirmation, "
                    + "requires_action.")
        }
        return end(reason, at: now) ? .authorizationReleased : .canceled
    }

    /// Applies what happens by itself: a direct debit is decided, or authorised money was not captured in time. Returns nil if nothing is due.
    mutating func pass(to now: Int) -> Happening? {
        guard let dueAt, dueAt <= now, let card else { return nil }
        guard status == .processing else {
            _ = end(.automatic, at: now)
            return .authorizationExpired
        }
        revision += 1
        processedAt = nil
        if case .processed(_, let decline?) = card.charge {
            return fail(.declined(decline, charge: latestCharge ?? Identifier.make("ch_"), card: card), at: now)
        }
        return succeed(card, at: now)
    }

    /// Whether authorised money was released.
    private mutating func end(_ reason: CancellationReason?, at now: Int) -> Bool {
        revision += 1
        let releases = status == .requiresCapture
        status = .canceled
        if releases { amountReleased = amountCapturable }
        amountCapturable = 0
        canceledAt = now
        cancellationReason = reason
        return releases
    }

    /// Refunds `wanted`, or all that is left. Returns what was refunded.
    mutating func refund(_ wanted: Int?) throws(StripeError) -> Int {
        guard status == .succeeded, let latestCharge else {
            throw .unexpectedState("This PaymentIntent (\(id)) does not have a successful charge to refund.")
        }
        if let dispute, !dispute.allowsRefunds { throw .disputed(charge: latestCharge) }
        guard amountRefundable > 0 else { throw .alreadyRefunded(charge: latestCharge) }
        let refunded = wanted ?? amountRefundable
        guard refunded <= amountRefundable else {
            throw .amountTooLarge(
                "Refund amount (\(refunded)) is greater than unrefunded amount on charge (\(amountRefundable)).", parameter: "amount")
        }
        revision += 1
        amountRefunded += refunded
        return refunded
    }

    /// The money of a failed refund is with the shop again.
    mutating func takeBack(_ amount: Int) {
        revision += 1
        amountRefunded -= amount
    }

    /// Whether its bank has ever tried to take the money back. Until that is decided nothing can be refunded.
    var isDisputed: Bool { dispute != nil }

    var disputeID: String { "dp_\(id)" }

    /// The end of its dispute. Losing includes accepting it.
    mutating func closeDispute(_ status: DisputeStatus) throws(StripeError) -> Happening {
        guard let dispute, dispute.isOpen else {
            throw .invalidRequest("This dispute is already closed", parameter: "dispute")
        }
        revision += 1
        let end = dispute == .warningNeedsResponse && status == .won ? .warningClosed : status
        self.dispute = end
        return .disputeClosed(end)
    }

    /// As it was before the first attempt: with no card, and without an error.
    var asCreated: PaymentIntent {
        var payment = self
        payment.status = .requiresPaymentMethod
        payment.card = nil
        payment.latestCharge = nil
        payment.charges = nil
        payment.dispute = nil
        payment.lastFailure = nil
        payment.processedAt = nil
        (payment.amountCapturable, payment.amountReceived, payment.amountRefunded) = (0, 0, 0)
        return payment
    }

    private mutating func charge(_ card: TestCard, at now: Int) -> Happening {
        let id = Identifier.make("ch_")
        if case .declined(let decline) = card.charge { return fail(.declined(decline, charge: id, card: card), at: now) }
        latestCharge = id
        lastFailure = nil
        note(ChargeAttempt(id: id, created: now, amount: amount, card: card))
        if case .processed(let seconds, _) = card.charge {
            status = .processing
            processedAt = now + seconds
            return .processing
        }
        return succeed(card, at: now)
    }

    private mutating func succeed(_ card: TestCard, at now: Int) -> Happening {
        guard captureMethod != .manual || card.type != "card" else {
            status = .requiresCapture
            amountCapturable = amount
            return .captureAwaited
        }
        status = .succeeded
        amountReceived = amount
        noteCapture(at: now)
        if card.disputeReason != nil { dispute = card == .createsInquiry ? .warningNeedsResponse : .needsResponse }
        return .succeeded
    }

    private mutating func fail(_ failure: PaymentFailure, at now: Int) -> Happening {
        status = .requiresPaymentMethod
        card = nil
        lastFailure = failure
        if let charge = failure.charge {
            latestCharge = charge
            if let place = charges?.lastIndex(where: { $0.id == charge }) {
                charges?[place].failure = failure
            } else {
                note(ChargeAttempt(id: charge, created: now, amount: amount, card: failure.card, failure: failure))
            }
        }
        return .failed(failure)
    }

    private mutating func note(_ attempt: ChargeAttempt) {
        charges = (charges ?? []).suffix(Self.maximumCharges - 1) + [attempt]
    }

    private mutating func noteCapture(at now: Int) {
        guard let last = charges?.indices.last else { return }
        charges?[last].capturedAt = now
    }
}

extension PaymentIntent {
    /// What may be changed depends on the state: the description and metadata always, the rest until the payment is charged.
    mutating func change(_ change: PaymentChange, card: TestCard?, methodID: String?) throws(StripeError) {
        if !change.isHarmless, status != .requiresPaymentMethod, status != .requiresConfirmation, status != .requiresAction {
            throw .unexpectedState(
                "This PaymentIntent could not be updated because it has a status of \(status.rawValue). You may only update the following parameters in this state: "
                    + "description, metadata, receipt_email, shipping, statement_descriptor.")
        }
        revision += 1
        amount = change.amount ?? amount
        currency = change.currency ?? currency
        captureMethod = change.captureMethod ?? captureMethod
        customer = change.customer ?? customer
        description = change.description ?? description
        metadata = change.metadata.applied(to: metadata)
        paymentMethodTypes = change.paymentMethodTypes ?? paymentMethodTypes
        let merged = (terms ?? Terms()).merging(change.terms)
        terms = merged == Terms() ? nil : merged
        guard let card else { return }
        (testCard, paymentMethod) = (card, methodID)
        status = .requiresConfirmation
    }
}
