import FoundationEssentials
import Secrets
import WebClient

/// `X-Twilio-Signature`: the HMAC-SHA1 of the request's URL and its form fields, keyed with the account's token, in Base64.
///
/// The URL is the one that Twilio was given, which an ingress behind a proxy cannot see, so it is configured. Twilio signs no time, so an old request passes again;
/// this is harmless, because its report remains true and counts only once.
struct TwilioScheme: WebhookScheme {
    static let name = "twilio"
    static let headers = ["x-twilio-signature"]
    static let typeField: String? = nil

    let secrets: WebhookSecrets
    /// The public URL of the operation, as given to Twilio; nil if it is not configured.
    let url: String?

    func verify(_ values: (String) -> [String], _ body: [UInt8], query: [String: String], now: Date) throws(WebhookFault) {
        let signatures = values("x-twilio-signature")
        guard let signature = signatures.first, signatures.count == 1 else { throw WebhookFault(detail: "X-Twilio-Signature: The header is missing.") }
        guard let fields = PercentEncoding.fields(body) else { throw WebhookFault(detail: "The body is not a form.") }
        let parameters = query.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let address = (url ?? "") + (parameters.isEmpty ? "" : "?" + parameters.joined(separator: "&"))
        guard url != nil, secrets.current().contains(where: { Self.isValid(signature, address, fields, $0) }) else {
            throw WebhookFault(detail: "X-Twilio-Signature: It does not belong to this URL and body.")
        }
    }

    /// Fields with the same name and value are signed once.
    static func isValid(_ signature: String, _ url: String, _ fields: [(name: String, value: String)], _ token: String) -> Bool {
        let values = Dictionary(grouping: fields, by: \.name).mapValues { Set($0.map(\.value)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } }
        let sorted = values.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        let text = sorted.reduce(url) { text, field in field.value.reduce(text) { $0 + field.key + $1 } }
        let code = HMACSHA1.authenticate(Array(text.utf8), key: Array(token.utf8))
        return constantTimeEquals(Array(Base64.encode(code).utf8), Array(signature.utf8))
    }
}
