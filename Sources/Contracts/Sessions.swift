import FoundationEssentials

/// `users.sessions.resolve`: resolves the owner of a session token.
public struct ResolveSession: Sendable, Codable {
    /// Hexadecimal SHA-256; the token itself is in no message.
    public let tokenHash: String
    /// Where and with which client the session is used at the moment, as far as the ingress knows.
    public let address: String?
    public let agent: String?

    public init(tokenHash: String, address: String? = nil, agent: String? = nil) {
        self.tokenHash = tokenHash
        self.address = address
        self.agent = agent
    }
}

public struct ResolvedSession: Sendable, Codable {
    public let userID: UUID
    public let role: Caller.Role
    public let email: String?
    public let locale: String?

    public init(userID: UUID, role: Caller.Role, email: String? = nil, locale: String? = nil) {
        self.userID = userID
        self.role = role
        self.email = email
        self.locale = locale
    }
}

/// The event `session.revoked`: everything cached about this user's sessions is invalid.
public struct SessionRevoked: Sendable, Codable {
    public let userID: UUID
    public init(userID: UUID) { self.userID = userID }
}
