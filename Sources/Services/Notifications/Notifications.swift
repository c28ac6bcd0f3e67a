import Contracts
public import Messaging
public import PostgreSQL

/// Notifications: tells customers what became of their orders, and keeps what was told to whom.
public enum NotificationsService {
    public static let name = "notifications"
    public static let migrations = Inbox.migrations + Schema.migrations

    public static func definition(mail: any MailTransport, sender: MailAddress, clock: any WallClock) -> ServiceDefinition {
        let delivering = Delivering(transport: mail, sender: sender, clock: clock)
        return ServiceDefinition(
            name: name,
            operations: [MessageName.orderConfirmed, MessageName.orderRejected].map { event in
                .external(
                    event, reading: OrderNews.read, prepare: delivering.note, perform: delivering.send,
                    complete: delivering.record)
            } + [
                .query("notifications.notifications.list", reading: ListNotifications.read, handle: Listing().list)
            ])
    }
}
