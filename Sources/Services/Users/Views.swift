import Contracts
import FoundationEssentials

/// An account as its owner sees it.
struct UserView: Sendable, Codable {
    @PublicID var id: UUID
    let email: String
    let name: String
    /// The language in which its owner wants to be addressed.
    let locale: String?
    let role: Caller.Role
    let verified: Bool
    let notifications: ChannelPreferences
    let createdAt: Date
}

/// The answer to a sign-in: the only message that ever contains a token.
struct NewSessionView: Sendable, Codable {
    let token: String
    let expiresAt: Date
    let user: UserView
}

struct SessionView: Sendable, Codable {
    @PublicID var id: UUID
    let createdAt: Date
    /// To the minute.
    let lastSeenAt: Date
    let expiresAt: Date
    /// The client's `User-Agent` and its address when it was last seen.
    let userAgent: String?
    let address: String?
    /// Whether it is the session of the request itself.
    let current: Bool
}

/// An account as an administrator sees it.
struct AccountView: Sendable, Codable {
    @PublicID var id: UUID
    let email: String
    let name: String
    let locale: String?
    let role: Caller.Role
    let verified: Bool
    let disabled: Bool
    let createdAt: Date
}
