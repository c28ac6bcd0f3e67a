import Testing

@testable import Sandbox

@Suite("A payment intent")
struct PaymentIntentTests {
    typealias Status = PaymentIntent.Status

    static func intent(_ status: Status, capture: PaymentIntent.CaptureMethod = .automatic, card: TestCard = .visa) -> PaymentIntent {
        var intent = PaymentIntent(
            PaymentDraft(amount: 1_000, currency: "eur", captureMethod: capture, paymentMethodTypes: ["card", "sepa_debit"]), card: card, idempotencyKey: nil, created: 1)
        intent.status = status
        if status == .requiresCapture { intent.amountCapturable = 1_000 }
        if status == .succeeded { intent.amountReceived = 1_000 }
        if status == .succeeded || status == .requiresCapture { intent.latestCharge = "ch_1" }
        return intent
    }

    @Test("can be confirmed only before it is charged or canceled", arguments: Status.allCases)
    func confirmation(status: Status) throws {
        var intent = Self.intent(status)
        let allowed: Set<Status> = [.requiresPaymentMethod, .requiresConfirmation, .requiresAction]
        guard allowed.contains(status) else {
            let before = intent
            #expect(throws: StripeError.self) { try intent.confirm(with: nil, offSession: false) }
            #expect(intent == before)
            return
        }
        #expect(try intent.confirm(with: nil, offSession: false) == .succeeded)
        #expect(intent.status == .succeeded)
        #expect(intent.amountReceived == 1_000)
    }

    @Test("can be captured only when its capture is awaited", arguments: Status.allCases)
    func captureStates(status: Status) throws {
        var intent = Self.intent(status, capture: .manual)
        let before = intent
        guard status == .requiresCapture else {
            #expect(throws: StripeError.self) { try intent.capture(nil) }
            #expect(intent == before)
            return
        }
        #expect(try intent.capture(nil) == .captured)
        #expect(intent.amountReceived == 1_000)
        #expect(intent.amountCapturable == 0)
    }

    @Test("can be canceled until it has succeeded or is canceled", arguments: Status.allCases)
    func cancellation(status: Status) throws {
        var intent = Self.intent(status)
        let before = intent
        guard status != .succeeded, status != .canceled, status != .processing else {
            let error = #expect(throws: StripeError.self) { try intent.cancel(nil, at: 7) }
            #expect(error?.code == "payment_intent_unexpected_state")
            #expect(intent == before)
            return
        }
        #expect(try intent.cancel(.abandoned, at: 7) == (status == .requiresCapture ? .authorizationReleased : .canceled))
        #expect(intent.status == .canceled)
        #expect(intent.canceledAt == 7)
        #expect(intent.cancellationReason == .abandoned)
    }

    @Test("accepts an authentication only while it awaits one", arguments: Status.allCases, PaymentIntent.AuthenticationResult.allCases)
    func authentication(status: Status, result: PaymentIntent.AuthenticationResult) throws {
        var intent = Self.intent(status, card: .threeDSecure2Required)
        guard status == .requiresAction else {
            #expect(throws: StripeError.self) { try intent.authenticate(result) }
            return
        }
        _ = try intent.authenticate(result)
        #expect(intent.status == (result == .succeed ? .succeeded : .requiresPaymentMethod))
        #expect((intent.lastFailure?.code == "payment_intent_authentication_failure") == (result == .fail))
    }

    @Test("ends as its card says", arguments: TestCard.allCases)
    func cards(card: TestCard) throws {
        var intent = Self.intent(.requiresConfirmation, card: card)
        let happening = try intent.confirm(with: nil, offSession: false)
        switch (card.authentication, card.charge) {
        case (.always, _), (.onSession, _), (.unlessSetUp, _):
            #expect(happening == .authenticationAsked)
            #expect(intent.status == .requiresAction)
        case (_, .approved):
            #expect(happening == .succeeded)
        case (_, .declined(let decline)):
            #expect(intent.status == .requiresPaymentMethod)
            #expect(intent.card == nil)
            #expect(intent.lastFailure?.declineCode == decline.bankCode && intent.lastFailure?.code == decline.code)
        case (_, .processed(let seconds, let decline)):
            #expect(happening == .processing)
            #expect(intent.pass(to: seconds) == nil)
            let end = intent.pass(to: seconds + 1)
            #expect((end == .succeeded) == (decline == nil))
            #expect(intent.status == (decline == nil ? .succeeded : .requiresPaymentMethod))
        }
    }

    @Test("loses authorised money that nobody captures in time")
    func expiry() throws {
        var intent = Self.intent(.requiresConfirmation, capture: .manual)
        _ = try intent.confirm(with: nil, offSession: false)
        let lost = PaymentIntent.authorizationLifetime + 1
        #expect(intent.pass(to: lost - 1) == nil)
        #expect(intent.pass(to: lost) == .authorizationExpired)
        #expect(intent.status == .canceled && intent.cancellationReason == .automatic && intent.amountReleased == 1_000)
        #expect(intent.pass(to: lost) == nil)
    }

    @Test("can be changed until it is charged, and described at any time")
    func change() throws {
        var intent = Self.intent(.requiresConfirmation)
        try intent.change(PaymentChange(amount: 700), card: nil, methodID: nil)
        #expect(intent.amount == 700)
        _ = try intent.confirm(with: nil, offSession: false)
        let error = #expect(throws: StripeError.self) { try intent.change(PaymentChange(amount: 1), card: nil, methodID: nil) }
        #expect(error?.code == "payment_intent_unexpected_state")
        try intent.change(PaymentChange(metadata: .init(values: ["a": "b"])), card: nil, methodID: nil)
        #expect(intent.metadata == ["a": "b"])
        try intent.change(PaymentChange(metadata: .init(values: ["a": ""])), card: nil, methodID: nil)
        #expect(intent.metadata == [:])
    }

    @Test("is declined when authentication is needed and the customer is away")
    func offSession() throws {
        var intent = Self.intent(.requiresConfirmation, card: .authenticationRequired)
        _ = try intent.confirm(with: nil, offSession: true)
        #expect(intent.lastFailure?.error.status == 402)
        #expect(intent.lastFailure?.code == "authentication_required")
    }

    @Test("can be paid with another card after a decline")
    func secondCard() throws {
        var intent = Self.intent(.requiresConfirmation, card: .declined)
        _ = try intent.confirm(with: nil, offSession: false)
        #expect(try intent.confirm(with: .mastercard, offSession: false) == .succeeded)
        #expect(intent.lastFailure == nil)
    }

    @Test("refunds no more than it took, in any number of parts")
    func refunds() throws {
        var intent = Self.intent(.succeeded)
        #expect(try intent.refund(300) == 300)
        let tooMuch = #expect(throws: StripeError.self) { try intent.refund(701) }
        #expect(tooMuch?.parameter == "amount")
        #expect(try intent.refund(nil) == 700)
        let again = #expect(throws: StripeError.self) { try intent.refund(nil) }
        #expect(again?.code == "charge_already_refunded")
        #expect(intent.amountRefunded == 1_000)
    }

    @Test("captures a part, and refuses more than was authorised")
    func partialCapture() throws {
        var intent = Self.intent(.requiresCapture, capture: .manual)
        #expect(throws: StripeError.self) { try intent.capture(1_001) }
        _ = try intent.capture(400)
        #expect(intent.amountReceived == 400)
        #expect(throws: StripeError.self) { try intent.refund(401) }
    }

    @Test("grows its revision with every change")
    func revision() throws {
        var intent = Self.intent(.requiresConfirmation, capture: .manual)
        var revisions = [intent.revision]
        _ = try intent.confirm(with: nil, offSession: false)
        revisions.append(intent.revision)
        _ = try intent.capture(nil)
        revisions.append(intent.revision)
        _ = try intent.refund(1)
        revisions.append(intent.revision)
        #expect(revisions == [0, 1, 2, 3])
    }
}
