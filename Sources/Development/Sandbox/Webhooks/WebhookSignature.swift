import Secrets

/// Stripe's proof that a webhook is its own: `t=<seconds>,v1=<hex(HMAC-SHA256(secret, "<seconds>.<body>"))>`.
enum WebhookSignature {
    static let header = "Stripe-Signature"

    static func make(_ body: [UInt8], secret: String, at seconds: Int) -> String {
        let code = HMACSHA256.authenticate(Array("\(seconds).".utf8) + body, key: Array(secret.utf8))
        return "t=\(seconds),v1=\(Hex.encode(code))"
    }
}
