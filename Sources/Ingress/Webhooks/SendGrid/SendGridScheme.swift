import FoundationEssentials
import Secrets

/// SendGrid's signed event webhook: an ECDSA signature of the time and the body, to be verified with the key that SendGrid shows for the webhook.
///
/// The time is signed, but any age is accepted: SendGrid resends events that were not accepted for a day, and their reports remain true and count only once.
struct SendGridScheme: WebhookScheme {
    static let name = "sendgrid"
    static let headers = ["x-twilio-email-event-webhook-signature", "x-twilio-email-event-webhook-timestamp"]
    /// One request contains many events.
    static let typeField: String? = nil
    /// Of a header.
    private static let longest = 200

    /// Public keys, in Base64.
    let secrets: WebhookSecrets

    func verify(_ values: (String) -> [String], _ body: [UInt8], query _: [String: String], now: Date) throws(WebhookFault) {
        let (signatures, times) = (values("x-twilio-email-event-webhook-signature"), values("x-twilio-email-event-webhook-timestamp"))
        guard signatures.count == 1, times.count == 1, let text = signatures.first, let time = times.first, text.utf8.count <= Self.longest,
            time.utf8.count <= Self.longest, let signature = Base64.decode(text)
        else { throw WebhookFault(detail: "The headers of the signature are missing or malformed.") }
        let message = Array(time.utf8) + body
        let keys = secrets.current().compactMap(VerifyingKey.init(base64:))
        guard keys.contains(where: { $0.isValid(signature, for: message) }) else { throw WebhookFault(detail: "The signature does not belong to this body and time.") }
    }
}
