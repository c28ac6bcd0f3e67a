import FoundationEssentials

/// The channels by which a customer wants to be notified. Notifications about money, a contract or the account itself are always sent by mail.
public struct ChannelPreferences: Sendable, Equatable, Codable {
    public var email: Bool
    public var sms: Bool

    public init(email: Bool = true, sms: Bool = true) {
        (self.email, self.sms) = (email, sms)
    }
}

/// `notifications.preferences.set`: a customer has changed them.
public struct SetPreferences: Sendable, Codable {
    public let userID: UUID
    public let preferences: ChannelPreferences
    /// Increases with each change: of two messages, the one with the higher revision applies.
    public let revision: Int

    public init(userID: UUID, preferences: ChannelPreferences, revision: Int) {
        (self.userID, self.preferences, self.revision) = (userID, preferences, revision)
    }
}
