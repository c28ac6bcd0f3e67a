import FoundationEssentials

struct StripeScheme: WebhookScheme {
    static let name = "stripe"
    static let headers = ["stripe-signature"]
    static let typeField: String? = "type"

    let secrets: WebhookSecrets

    func verify(_ values: (String) -> [String], _ body: [UInt8], query _: [String: String], now: Date) throws(WebhookFault) {
        do {
            let signature = try StripeSignature(values("stripe-signature"))
            try signature.verify(body, secrets: secrets.current(), now: now)
        } catch {
            throw WebhookFault(detail: "Stripe-Signature: \(error.detail)")
        }
    }
}
