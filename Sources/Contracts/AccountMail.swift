import FoundationEssentials

/// `notifications.accounts.mail`: a mail to the owner of an account.
///
/// A mail with a link's token is requested without the token, because inboxes and dead letters keep this message. The mailer generates the token just before
/// it sends the mail, and first has `users` store the token's hash (``ArmLink``). So the token exists in the mail and in the mailer's memory, and nowhere else.
public struct AccountMail: Sendable, Codable, Equatable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// To a new account's address, with a token.
        case emailVerification
        /// To the account's future address, with a token.
        case emailChange
        /// With a token.
        case passwordReset
        /// To the account's present address.
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
    /// The owner's language tag; nil where it is not known.
    public let locale: String?
    /// When the link expires; nil for a mail without one.
    public let expiresAt: Date?

    public init(id: UUID, userID: UUID, kind: Kind, email: String, name: String, locale: String? = nil, expiresAt: Date? = nil) {
        self.id = id
        self.userID = userID
        self.kind = kind
        self.email = email
        self.name = name
        self.locale = locale
        self.expiresAt = expiresAt
    }
}

/// `users.links.arm`: from now on the token with this hash opens the link. 404 when the link has expired or a newer one has replaced it.
public struct ArmLink: Sendable, Codable {
    public let id: UUID
    /// Hexadecimal SHA-256.
    public let tokenHash: String

    public init(id: UUID, tokenHash: String) {
        self.id = id
        self.tokenHash = tokenHash
    }
}

/// `users.passwordResets.prepare`: the work of a password reset after its answer, so that the answer takes as long whether or not there is an account.
public struct PreparePasswordReset: Sendable, Codable {
    public let emailKey: String
    public init(emailKey: String) { self.emailKey = emailKey }
}
