import Contracts
import FoundationEssentials

/// An account as its owner sees it.
struct UserView: Sendable, Codable {
    @PublicID var id: UUID
    let email: String
    let name: String
    let role: Caller.Role
    let verified: Bool
    let createdAt: Date
}

/// The answer to a sign-in: the only message that ever holds a token.
struct NewSessionView: Sendable, Codable {
    let token: String
    let expiresAt: Date
    let user: UserView
}

struct SessionView: Sendable, Codable {
    @PublicID var id: UUID
    let createdAt: Date
    let expiresAt: Date
    /// Whether it is the one that the question came with.
    let current: Bool
}
