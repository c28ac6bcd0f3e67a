import Contracts
import FoundationEssentials
import PostgreSQL

/// One notification's addressee.
struct Addressee: Sendable, Hashable, Codable {
    /// The address or number, in the channel's form.
    let recipient: String
    /// Nil for a guest.
    let customerID: UUID?
}

/// The notifications that addressees have turned off: kinds that a customer does not want, and text messages to a number whose owner has replied STOP. They are read in the
/// transaction before each sending, because the choice may be newer than the request.
struct OptOuts: Sendable {
    private let preferences: [UUID: ChannelPreferences]
    private let stopped: Set<String>

    static func read(
        _ notifications: [(kind: NotificationKind, channel: String, to: Addressee)], on connection: any SQLConnection
    ) async throws -> OptOuts {
        let concerned = notifications.filter { ChannelPreferences.concern($0.kind, by: $0.channel) }
        let preferences = try await Preferences.read(Array(Set(concerned.compactMap(\.to.customerID))), on: connection)
        let numbers = Set(notifications.filter { $0.channel == SMSChannel.channel }.map(\.to.recipient))
        return OptOuts(preferences: preferences, stopped: try await ReceiptStore.optedOut(numbers.sorted(), of: SMSChannel.channel, on: connection))
    }

    /// The reason why the notification is not wanted; nil if it is wanted.
    func reason(against kind: NotificationKind, by channel: String, to addressee: Addressee) -> String? {
        if channel == SMSChannel.channel, stopped.contains(addressee.recipient) { return "the owner of the number has replied STOP" }
        let isAllowed = addressee.customerID.flatMap { preferences[$0] }?.allow(kind, by: channel) ?? true
        return isAllowed ? nil : "the customer has turned this news off"
    }
}
