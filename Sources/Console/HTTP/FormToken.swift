import Secrets

/// The token that a form carries back: derived from the session's token, so it is worth nothing with another session, and reveals nothing about it.
struct FormToken: Sendable {
    /// The name of the field.
    static let field = "token"
    private static let purpose = Array("wharf console: forms".utf8)

    let text: String

    /// - Parameter secret: The session's token; for the sign-in form, the visitor's.
    init(of secret: String) {
        text = Hex.encode(HMACSHA256.authenticate(Self.purpose, key: Array(secret.utf8)))
    }

    func matches(_ given: String?) -> Bool {
        guard let given else { return false }
        return constantTimeEquals(Array(given.utf8), Array(text.utf8))
    }
}
