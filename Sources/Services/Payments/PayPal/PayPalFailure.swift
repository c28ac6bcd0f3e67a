import Contracts
import JSON
import WebClient

/// An error response from PayPal.
struct PayPalFailure: Sendable {
    private struct Body: Decodable {
        struct Detail: Decodable {
            let issue: String?
            let description: String?
        }

        let name: String?
        let message: String?
        let details: [Detail]?
    }

    static let maximumSummary = 300
    private static let unknownName = "unknown"

    let name: String
    /// PayPal's code for the problem.
    let issue: String?
    let summary: String

    init(_ response: WebResponse) {
        let body = try? JSON.decode(Body.self, from: response.body)
        let detail = body?.details?.first
        name = body?.name ?? Self.unknownName
        issue = detail?.issue
        summary = String((detail?.description ?? body?.message ?? "no reason given").prefix(Self.maximumSummary))
    }

    /// Whether the customer's account or bank declines the payment, which is not an error of the shop.
    var isDecline: Bool { issue.map(Self.declines.contains) ?? false }

    /// Whether it shows that the call was not carried out and never will be. The error for a request id that was used before with another body says nothing about what that
    /// call did, nor does a response that is not PayPal's.
    func isRefusal(status: Int) -> Bool {
        (400..<500).contains(status) && name != Self.unknownName && !(issue.map(Self.undecided.contains) ?? false)
    }

    private static let undecided: Set = ["DUPLICATE_REQUEST_ID", "PREVIOUS_REQUEST_IN_PROGRESS"]

    private static let declines: Set = [
        "INSTRUMENT_DECLINED", "TRANSACTION_REFUSED", "PAYER_CANNOT_PAY", "PAYER_ACCOUNT_RESTRICTED", "PAYER_ACCOUNT_LOCKED_OR_CLOSED",
        "CARD_EXPIRED", "COMPLIANCE_VIOLATION", "DOMESTIC_TRANSACTION_REQUIRED", "TRANSACTION_LIMIT_EXCEEDED",
        "TRANSACTION_RECEIVING_LIMIT_EXCEEDED", "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED", "TRANSACTION_BLOCKED_BY_PAYEE", "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING",
    ]
}
