import Contracts
public import Messaging
public import PostgreSQL
import Runtime

/// Notifications: notifies customers of the outcome of their orders and of account events, and records every notification.
public enum NotificationsService {
    public static let name = "notifications"
    public static let migrations = Inbox.migrations + Schema.migrations

    public static func definition(
        mail: any MailTransport, sender: MailAddress, ask: @escaping RequestClient.Ask, clock: any WallClock, randomness: any Randomness
    ) -> ServiceDefinition {
        let delivering = Delivering(transport: mail, sender: sender, clock: clock)
        let accounts = AccountMailing(ask: ask, transport: mail, sender: sender, clock: clock, randomness: randomness)
        let customers = Customers()
        return ServiceDefinition(
            name: name,
            operations: [MessageName.orderConfirmed, MessageName.orderRejected].map { event in
                .external(
                    event, reading: OrderNews.read, prepare: delivering.note, perform: delivering.send,
                    complete: delivering.record)
            } + [
                .external(
                    MessageName.accountMail, reading: AccountNews.read, prepare: accounts.note, perform: accounts.send, complete: accounts.record),
                .command(MessageName.eraseInNotifications, transaction: .own, reading: Operation.contract(Customer.self), handle: customers.erase),
                .command(MessageName.eraseOrdersInNotifications, transaction: .own, reading: Operation.contract(ErasedOrders.self), handle: customers.eraseOrders),
                .query(MessageName.exportFromNotifications, reading: Operation.contract(NotificationsOfCustomer.self), handle: customers.export),
                .query("notifications.notifications.list", reading: ListNotifications.read, handle: Listing().list),
            ], sends: [MessageName.customerErased], asks: [MessageName.armLink])
    }
}
