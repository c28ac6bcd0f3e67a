/// The life cycle of a payment intent. Each transition either changes it and returns what happened, or throws and changes nothing.
///
/// ```
/// requires_payment_method ─► requires_confirmation ─► requires_action ─► requires_capture ─► succeeded
///          ▲   declined                │                    │                   │
///          └───────────────────────────┴────────────────────┘     all but succeeded ─► canceled
/// ```
extension PaymentIntent {
    enum Happening: Sendable, Equatable {
        case succeeded
        /// Money that had been authorised before was taken.
        case captured
        case failed(PaymentFailure)
        case authenticationAsked
        case captureAwaited
        case canceled
        case disputeClosed(DisputeStatus)
    }

    enum AuthenticationResult: String, Sendable, CaseIterable, Decodable {
        case succeed
        case fail
    }

    /// Charges `newCard`, or the card that it has already.
    mutating func confirm(with newCard: TestCard?, offSession: Bool) throws(StripeError) -> Happening {
        switch status {
        case .requiresPaymentMethod, .requiresConfirmation, .requiresAction:
            break
        case .succeeded:
            throw .unexpectedState(
                "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed.")
        case .requiresCapture, .canceled:
            throw .unexpectedState("You cannot confirm this PaymentIntent because it has a status of \(status.rawValue).")
        }
        guard let card = newCard ?? card else {
            throw .unexpectedState(
                "You cannot confirm this PaymentIntent because it's missing a payment method. Update the PaymentIntent with a payment "
                    + "method and then confirm it again.")
        }
        revision += 1
        self.card = card
        switch card.behaviour {
        case .approves:
            return charge()
        case .declines(let code, let message):
            return fail(.declined(code: code, message: message, charge: Identifier.make("ch_"), card: card))
        case .asksForAuthentication where offSession:
            return fail(.authenticationRequired(charge: Identifier.make("ch_"), card: card))
        case .asksForAuthentication:
            status = .requiresAction
            lastFailure = nil
            return .authenticationAsked
        }
    }

    /// The customer's choice on the bank's page.
    mutating func authenticate(_ result: AuthenticationResult) throws(StripeError) -> Happening {
        guard status == .requiresAction, let card else {
            throw .unexpectedState("This PaymentIntent awaits no authentication: it has a status of \(status.rawValue).")
        }
        revision += 1
        switch result {
        case .succeed: return charge()
        case .fail: return fail(.authenticationFailed(card: card))
        }
    }

    /// Captures the authorised money, or a part of it; the rest goes back to the customer.
    mutating func capture(_ wanted: Int?) throws(StripeError) -> Happening {
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
        amountCapturable = 0
        return .captured
    }

    mutating func cancel(_ reason: CancellationReason?, at now: Int) throws(StripeError) -> Happening {
        guard status != .succeeded, status != .canceled else {
            throw .unexpectedState(
                "You cannot cancel this PaymentIntent because it has a status of \(status.rawValue). Only a PaymentIntent with one of "
                    + "the following statuses may be canceled: requires_payment_method, requires_capture, requires_confirmation, "
                    + "requires_action.")
        }
        revision += 1
        status = .canceled
        amountCapturable = 0
        canceledAt = now
        cancellationReason = reason
        return .canceled
    }

    /// Refunds `wanted`, or all that is left. Returns what was refunded.
    mutating func refund(_ wanted: Int?) throws(StripeError) -> Int {
        guard status == .succeeded, let latestCharge else {
            throw .unexpectedState("This PaymentIntent (\(id)) does not have a successful charge to refund.")
        }
        if isDisputed, dispute != .won { throw .disputed(charge: latestCharge) }
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
        guard dispute == .needsResponse else {
            throw .invalidRequest("This dispute is already closed", parameter: "dispute")
        }
        revision += 1
        dispute = status
        return .disputeClosed(status)
    }

    /// As it was before the first attempt: with no card, and without an error.
    var asCreated: PaymentIntent {
        var payment = self
        payment.status = .requiresPaymentMethod
        payment.card = nil
        payment.latestCharge = nil
        payment.dispute = nil
        payment.lastFailure = nil
        (payment.amountCapturable, payment.amountReceived, payment.amountRefunded) = (0, 0, 0)
        return payment
    }

    private mutating func charge() -> Happening {
        latestCharge = Identifier.make("ch_")
        lastFailure = nil
        switch captureMethod {
        case .automatic:
            status = .succeeded
            amountReceived = amount
            if card == .createsDispute { dispute = .needsResponse }
            return .succeeded
        case .manual:
            status = .requiresCapture
            amountCapturable = amount
            return .captureAwaited
        }
    }

    private mutating func fail(_ failure: PaymentFailure) -> Happening {
        status = .requiresPaymentMethod
        card = nil
        lastFailure = failure
        if let charge = failure.charge { latestCharge = charge }
        return .failed(failure)
    }
}
