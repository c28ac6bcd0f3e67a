import FoundationEssentials

struct StripeScheme: WebhookScheme {
    static let name = "stripe"
    static let headers = ["stripe-signature"]
    static let typeField: String? = "type"

    /// Any of them may have signed: a sender may start to use a new one before or after this process knows it.
    let secrets: [String]

    func verify(_ values: (String) -> [String], _ body: [UInt8], query _: [String: String], now: Date) throws(WebhookFault) {
        do {
            let signature = try StripeSignature(values("stripe-signature"))
            try signature.verify(body, secrets: secrets, now: now)
        } catch {
            throw WebhookFault(detail: "Stripe-Signature: \(error.detail)")
        }
    }
}
