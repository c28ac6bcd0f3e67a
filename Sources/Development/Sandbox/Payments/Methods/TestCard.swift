import JSON

/// Stripe's payment methods for tests, and the outcome of a charge to each. Some older names are accepted in addition to the current ones.
enum TestCard: String, Sendable, CaseIterable, Decodable {
    case visa = "pm_card_visa"
    case visaDebit = "pm_card_visa_debit"
    case mastercard = "pm_card_mastercard"
    case mastercardDebit = "pm_card_mastercard_debit"
    case mastercardPrepaid = "pm_card_mastercard_prepaid"
    case amex = "pm_card_amex"
    case discover = "pm_card_discover"
    case diners = "pm_card_diners"
    case jcb = "pm_card_jcb"
    case unionPay = "pm_card_unionpay"
    case unitedStates = "pm_card_us"
    case unitedKingdom = "pm_card_gb"
    case germany = "pm_card_de"
    case france = "pm_card_fr"
    case japan = "pm_card_jp"

    case declined = "pm_card_visa_chargeDeclined"
    case declinedOlderName = "pm_card_chargeDeclined"
    case insufficientFunds = "pm_card_visa_chargeDeclinedInsufficientFunds"
    case insufficientFundsOlderName = "pm_card_chargeDeclinedInsufficientFunds"
    case lost = "pm_card_visa_chargeDeclinedLostCard"
    case stolen = "pm_card_visa_chargeDeclinedStolenCard"
    case velocityExceeded = "pm_card_visa_chargeDeclinedVelocityLimitExceeded"
    case expired = "pm_card_chargeDeclinedExpiredCard"
    case wrongCode = "pm_card_chargeDeclinedIncorrectCvc"
    case processingError = "pm_card_chargeDeclinedProcessingError"
    case fraudulent = "pm_card_chargeDeclinedFraudulent"
    /// Can be attached to a customer; every charge is declined.
    case chargeOfCustomerFails = "pm_card_chargeCustomerFail"
    /// Stripe itself blocks the charge.
    case radarBlock = "pm_card_radarBlock"

    /// Authentication is needed, even off session unless the card is set up, which attaching it does.
    case authenticationOnSetup = "pm_card_authenticationRequiredOnSetup"
    case authenticationRequired = "pm_card_authenticationRequired"
    /// Set up already: authentication is needed on session only.
    case setUpForOffSession = "pm_card_authenticationRequiredSetupForOffSession"
    case authenticationThenInsufficientFunds = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"
    case threeDSecureRequired = "pm_card_threeDSecureRequired"
    case threeDSecure2Required = "pm_card_threeDSecure2Required"
    case threeDSecureThenDeclined = "pm_card_threeDSecureRequiredChargeDeclined"
    case threeDSecureThenError = "pm_card_threeDSecureRequiredProcessingError"
    /// Authenticates only if the request asks for it.
    case threeDSecureOptional = "pm_card_threeDSecureOptional"
    case threeDSecureNotSupported = "pm_card_amex_threeDSecureNotSupported"

    /// The charge succeeds and is disputed at once, so that no refund is possible until the dispute is won.
    case createsDispute = "pm_card_createDispute"
    case createsDisputeOverProduct = "pm_card_createDisputeProductNotReceived"
    /// The bank asks before it takes any money: refunds remain possible.
    case createsInquiry = "pm_card_createDisputeInquiry"

    /// A refund succeeds, and fails some time later.
    case refundFails = "pm_card_refundFail"
    /// A refund is pending, and succeeds some time later.
    case refundPending = "pm_card_pendingRefund"
    /// The money is available at once.
    case bypassesPending = "pm_card_bypassPending"

    // Direct debits: the payment is processed for some time before its outcome is known.
    case debitSucceeds = "pm_success_de"
    case debitSucceedsLate = "pm_successDelayed_de"
    case debitFails = "pm_failed_de"
    case debitFailsLate = "pm_failedDelayed_de"

    init?(token: String) {
        guard token.hasPrefix("tok_") else { return nil }
        self.init(rawValue: "pm_card_\(token.dropFirst(4))")
    }

    enum Authentication: Sendable, Equatable {
        case none
        /// Only if the request asks for it.
        case optional
        case onSession
        /// Even off session, unless the card was set up.
        case unlessSetUp
        case always
    }

    enum Charge: Sendable, Equatable {
        case approved
        case declined(Decline)
        /// Processed for this many seconds first.
        case processed(seconds: Int, Decline?)
    }

    struct Decline: Sendable, Equatable {
        /// The error's code, and the bank's own code if there is one.
        let code: String
        let bankCode: String?
        let message: String

        static func card(_ code: String, _ message: String = "Your card was declined.") -> Decline { Decline(code: "card_declined", bankCode: code, message: message) }
    }

    var authentication: Authentication {
        switch self {
        case .authenticationRequired, .authenticationThenInsufficientFunds, .threeDSecureRequired, .threeDSecure2Required, .threeDSecureThenDeclined, .threeDSecureThenError: .always
        case .authenticationOnSetup: .unlessSetUp
        case .setUpForOffSession: .onSession
        case .threeDSecureOptional: .optional
        default: .none
        }
    }

    /// The outcome of a charge once it is authenticated, if that is needed.
    var charge: Charge {
        switch self {
        case .declined, .declinedOlderName, .chargeOfCustomerFails, .threeDSecureThenDeclined: .declined(.card("generic_decline"))
        case .insufficientFunds, .insufficientFundsOlderName, .authenticationThenInsufficientFunds:
            .declined(.card("insufficient_funds", "Your card has insufficient funds."))
        case .lost: .declined(.card("lost_card"))
        case .stolen: .declined(.card("stolen_card"))
        case .velocityExceeded: .declined(.card("card_velocity_exceeded", "Your card was declined for making repeated attempts too frequently or exceeding its amount limit."))
        case .fraudulent, .radarBlock: .declined(.card("fraudulent"))
        case .expired: .declined(Decline(code: "expired_card", bankCode: nil, message: "Your card has expired."))
        case .wrongCode: .declined(Decline(code: "incorrect_cvc", bankCode: nil, message: "Your card's security code is incorrect."))
        case .processingError, .threeDSecureThenError:
            .declined(Decline(code: "processing_error", bankCode: nil, message: "An error occurred while processing your card. Try again in a little bit."))
        case .debitSucceeds: .processed(seconds: Self.debitSeconds, nil)
        case .debitSucceedsLate: .processed(seconds: Self.longDebitSeconds, nil)
        case .debitFails: .processed(seconds: Self.debitSeconds, Self.returnedDebit)
        case .debitFailsLate: .processed(seconds: Self.longDebitSeconds, Self.returnedDebit)
        default: .approved
        }
    }

    /// The reason that the bank gives when it disputes the charge; nil if it does not.
    var disputeReason: String? {
        switch self {
        case .createsDispute, .createsInquiry: "fraudulent"
        case .createsDisputeOverProduct: "product_not_received"
        default: nil
        }
    }

    private static let debitSeconds = 5
    private static let longDebitSeconds = 180
    private static let returnedDebit = Decline(code: "payment_intent_payment_attempt_failed", bankCode: nil, message: "The payment failed.")
}

// MARK: - As Stripe shows it

extension TestCard {
    var type: String { rawValue.hasPrefix("pm_card_") ? "card" : "sepa_debit" }

    private var look: (brand: String, lastFour: String) {
        switch self {
        case .visaDebit: ("visa", "5556")
        case .mastercard: ("mastercard", "4444")
        case .mastercardDebit: ("mastercard", "8210")
        case .mastercardPrepaid: ("mastercard", "5100")
        case .amex, .threeDSecureNotSupported: ("amex", "8431")
        case .discover: ("discover", "9424")
        case .diners: ("diners", "0004")
        case .jcb: ("jcb", "0505")
        case .unionPay: ("unionpay", "0005")
        default: ("visa", "4242")
        }
    }

    private var country: String {
        switch self {
        case .unitedKingdom: "GB"
        case .germany: "DE"
        case .france: "FR"
        case .japan: "JP"
        default: "US"
        }
    }

    private var funding: String {
        switch self {
        case .visaDebit, .mastercardDebit: "debit"
        case .mastercardPrepaid: "prepaid"
        default: "credit"
        }
    }

    /// Writes the member `card` or `sepa_debit` of a payment method, including its name.
    func write(to writer: inout JSONWriter) {
        writer.field(type) { writer in
            writer.object { writer in
                guard type == "card" else {
                    writer.field("country", "DE")
                    writer.field("last4", "3000")
                    return
                }
                writer.field("brand", look.brand)
                writer.field("country", country)
                writer.field("exp_month", 12)
                writer.field("exp_year", 2034)
                writer.field("fingerprint", "fp_\(rawValue)")
                writer.field("funding", funding)
                writer.field("last4", look.lastFour)
            }
        }
    }
}
