/// The test payment methods that the sandbox knows, and how a charge to each ends.
enum TestCard: String, Sendable, CaseIterable, Decodable {
    case visa = "pm_card_visa"
    case mastercard = "pm_card_mastercard"
    case declined = "pm_card_chargeDeclined"
    case insufficientFunds = "pm_card_chargeDeclinedInsufficientFunds"
    case authenticationRequired = "pm_card_authenticationRequired"
    case threeDSecure2Required = "pm_card_threeDSecure2Required"

    enum Behaviour: Sendable, Equatable {
        case approves
        case declines(code: String, message: String)
        case asksForAuthentication
    }

    var behaviour: Behaviour {
        switch self {
        case .visa, .mastercard:
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
