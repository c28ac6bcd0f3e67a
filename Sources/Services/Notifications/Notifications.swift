import Contracts
public import Messaging
public import PostgreSQL
public import Runtime

/// Notifications: notifies customers of the outcome of their orders and of account events, and records every notification.
public enum NotificationsService {
    public static let name = "notifications"
    public static let migrations = Inbox.migrations + Schema.migrations

    /// - Parameters:
    ///   - email: carries mails about accounts, and is the first of the channels.
    ///   - others: further channels for news about orders.
    public static func definition(
        email: EmailChannel, others: [any NotificationChannel] = [], ledger: SendingLedger = SendingLedger(), ask: @escaping RequestClient.Ask,
        clock: any WallClock, randomness: any Randomness
    ) -> ServiceDefinition {
        let delivering = Delivering(channels: [email] + others, ledger: ledger, clock: clock)
        let accounts = AccountMailing(ask: ask, email: email, ledger: ledger, clock: clock, randomness: randomness)
        let customers = Customers()
        let resending = Resending(delivering: delivering, ask: ask, randomness: randomness)
        return ServiceDefinition(
            name: name,
            operations: NotificationKind.allCases.map { kind in
                .external(
                    kind.event, reading: OrderNews.read(kind), prepare: delivering.note, perform: delivering.send,
                    complete: delivering.record)
            } + [
                .external(
                    MessageName.accountMail, reading: AccountNews.read, prepare: accounts.note, perform: accounts.send, complete: accounts.record),
                .command(MessageName.eraseInNotifications, transaction: .own, reading: Operation.contract(Customer.self), handle: customers.erase),
                .command(MessageName.eraseOrdersInNotifications, transaction: .own, reading: Operation.contract(ErasedOrders.self), handle: customers.eraseOrders),
                .command(MessageName.setPreferences, transaction: .own, reading: Operation.contract(SetPreferences.self), handle: Preferences.set),
                .command("notifications.webhooks.twilio", transaction: .own, reading: TwilioCallback.read, handle: Receipts(clock: clock).receive),
                .command("notifications.webhooks.sendgrid", transaction: .own, reading: SendGridEvents.read, handle: Receipts(clock: clock).record),
                .command("notifications.notifications.resend", reading: ResendNotification.read, handle: resending.request),
                .external(
                    MessageName.resendNotification, reading: Operation.contract(ResendRequest.self), prepare: resending.find, perform: resending.send,
                    complete: resending.record),
                .query(MessageName.exportFromNotifications, reading: Operation.contract(NotificationsOfCustomer.self), handle: customers.export),
                .findInInbox(of: name),
                .query("notifications.notifications.list", reading: ListNotifications.read, handle: Listing().list),
            ], sends: [MessageName.customerErased, MessageName.resendNotification], asks: [MessageName.armLink, MessageName.orderNews])
    }
}
