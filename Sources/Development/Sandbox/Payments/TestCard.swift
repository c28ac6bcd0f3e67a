/// The test payment methods that the sandbox knows, and how a charge to each ends.
enum TestCard: String, Sendable, CaseIterable, Decodable {
    case visa = "pm_card_visa"
    case mastercard = "pm_card_mastercard"
    case declined = "pm_card_chargeDeclined"
    case insufficientFunds = "pm_card_chargeDeclinedInsufficientFunds"
    case authenticationRequired = "pm_card_authenticationRequired"
    /// The charge succeeds and is disputed at once, so that no refund is possible until the dispute is won.
    case createsDispute = "pm_card_createDispute"
    case threeDSecure2Required = "pm_card_threeDSecure2Required"
    /// A refund succeeds, and fails some time later.
    case refundFails = "pm_card_refundFail"
    /// A refund is pending, and succeeds some time later.
    case refundPending = "pm_card_pendingRefund"

    enum Behaviour: Sendable, Equatable {
        case approves
        case declines(code: String, message: String)
        case asksForAuthentication
    }

    var behaviour: Behaviour {
        switch self {
        case .visa, .mastercard, .createsDispute, .refundFails, .refundPending:
            .approves
        case .declined:
            .declines(code: "generic_decline", message: "Your card was declined.")
        case .insufficientFunds:
            .declines(code: "insufficient_funds", message: "Your card has insufficient funds.")
        case .authenticationRequired, .threeDSecure2Required:
            .asksForAuthentication
        }
    }
}
