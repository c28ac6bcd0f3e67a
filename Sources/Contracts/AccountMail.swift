import FoundationEssentials

/// `notifications.accounts.mail`: what the owner of an account is to be told.
///
/// A mail that holds a link's token is asked for without it: inboxes and dead letters keep this message. The mailer makes the token when it is about to
/// send it, and has `users` remember the token's hash before that (``ArmLink``). So the token is in the mail and in the mailer's memory, and nowhere else.
public struct AccountMail: Sendable, Codable, Equatable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// To a new account's address, with a token.
        case emailVerification
        /// To the address that an account is to have, with a token.
        case emailChange
        /// With a token.
        case passwordReset
        /// To the address that an account still has.
        case emailChangeRequested
        case passwordChanged
    }

    /// The same as the link's, where there is one.
    public let id: UUID
    public let userID: UUID
    public let kind: Kind
    public let email: String
    /// Of the account's owner.
    public let name: String
    /// When the link ends; nil for a mail without one.
    public let expiresAt: Date?

    public init(id: UUID, userID: UUID, kind: Kind, email: String, name: String, expiresAt: Date? = nil) {
        self.id = id
        self.userID = userID
        self.kind = kind
        self.email = email
        self.name = name
        self.expiresAt = expiresAt
    }
}

/// `users.links.arm`: from now on the token with this hash opens the link. 404 when the link has ended or a newer one has taken its place.
public struct ArmLink: Sendable, Codable {
    public let id: UUID
    /// Hexadecimal SHA-256.
    public let tokenHash: String

    public init(id: UUID, tokenHash: String) {
        self.id = id
        self.tokenHash = tokenHash
    }
}

/// `users.passwordResets.prepare`: what a password reset does once it has been answered, so that the answer takes as long whether or not there is an account.
public struct PreparePasswordReset: Sendable, Codable {
    public let emailKey: String
    public init(emailKey: String) { self.emailKey = emailKey }
}
