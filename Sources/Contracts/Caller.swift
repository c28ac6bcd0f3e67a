import FoundationEssentials
import Secrets

/// Who sent a request, as the ingress resolved it from the session token.
public struct Caller: Sendable, Hashable, Codable {
    public enum Role: String, Sendable, Codable {
        case customer, admin
    }

    public let id: UUID
    public let role: Role
    /// Where the account's mail goes.
    public let email: String?
    /// The account's language tag, where it has one.
    public let locale: String?

    public init(id: UUID, role: Role, email: String? = nil, locale: String? = nil) {
        self.id = id
        self.role = role
        self.email = email
        self.locale = locale
    }

    /// The caller in a record of who did what: the e-mail address and the account's id. An administrator at a shell has no account, only a name.
    public var auditName: String {
        guard let email else { return id.uuidString.lowercased() }
        return id == Self.withoutAccount ? email : "\(email) (\(id.uuidString.lowercased()))"
    }

    /// No account has this id.
    public static let withoutAccount = UUID.zero
}
