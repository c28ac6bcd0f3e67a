public import FoundationEssentials
import Messaging

/// One way of reaching customers: a folder in `Channels`, a line in the list that `Assembly` makes, and its settings.
///
/// A notification that could not be sent climbs the retry ladder or becomes a dead letter with its event, whose other notifications are not sent again.
public protocol NotificationChannel: Sendable {
    /// Ids, the database and the API contain it: it never changes.
    var name: String { get }
    /// What one of its notifications is called in logs; begins the causes of its failures, as in `mail-refused`.
    var noun: String { get }
    /// Where the customer receives this news; nil when this channel does not carry it to them.
    func recipient(of news: OrderNews) -> String?
    /// Returns when another party has taken responsibility for it. May be called again with a notification that was sent before.
    func send(_ notification: OutgoingNotification) async throws(DeliveryError)
}

/// One piece of news for one recipient.
public struct OutgoingNotification: Sendable {
    /// The same whenever the same notification is sent again, as is the date.
    public let id: UUID
    public let news: OrderNews
    /// In the channel's own form.
    public let recipient: String
    public let date: Date
}

/// Why a notification was not sent.
public struct DeliveryError: Error, Sendable, Equatable {
    public enum Reason: Sendable, Equatable {
        /// This recipient or this notification is rejected: further attempts are rejected too, until the address is corrected.
        case refused
        /// The shop is rejected regardless of notification and recipient: settings, credentials or the server's policy have to be corrected.
        case denied
        /// The server is unavailable or busy, or has deferred the notification.
        case unavailable
    }

    /// What happened; contains no secret.
    public let message: String
    public let reason: Reason

    public init(_ message: String, _ reason: Reason) {
        self.message = message
        self.reason = reason
    }
}

extension DeliveryError {
    /// - Parameter noun: of the channel.
    func failure(of noun: String) -> Failure {
        switch reason {
        case .refused: Failure("\(noun)-refused", message)
        case .denied: Failure("\(noun)-denied", message, remedy: .retry)
        case .unavailable: Failure("\(noun)-not-sent", message, remedy: .retry)
        }
    }
}
