import FoundationEssentials

/// By which channels a customer wants to be notified. What concerns money, a contract or the account itself is sent by mail whatever this says.
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
    /// Grows with each change: of two messages the one with the higher revision holds.
    public let revision: Int

    public init(userID: UUID, preferences: ChannelPreferences, revision: Int) {
        (self.userID, self.preferences, self.revision) = (userID, preferences, revision)
    }
}
