import Secrets

/// The token that a form sends back. It is derived from the session's token, so it is invalid in another session, and does not reveal the session's token.
struct FormToken: Sendable {
    /// The name of the field.
    static let field = "token"
    private static let purpose = Array("wharf console: forms".utf8)

    let text: String

    /// - Parameter secret: The session's token, or the visitor's for the sign-in form.
    init(of secret: String) {
        text = Hex.encode(HMACSHA256.authenticate(Self.purpose, key: Array(secret.utf8)))
    }

    func matches(_ given: String?) -> Bool {
        guard let given else { return false }
        return constantTimeEquals(Array(given.utf8), Array(text.utf8))
    }
}
