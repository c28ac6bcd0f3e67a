import Contracts
import FoundationEssentials

/// Mail, which carries all news: an order has an address for it.
public struct EmailChannel: NotificationChannel {
    public let name = "email"
    public let noun = "mail"

    let transport: any MailTransport
    let sender: MailAddress

    public init(transport: any MailTransport, sender: MailAddress) {
        self.transport = transport
        self.sender = sender
    }

    public func recipient(of news: OrderNews) -> String? { news.email.address }

    public func send(_ notification: OutgoingNotification) async throws(DeliveryError) {
        let wording = Wording(notification.news)
        try await transport.send(
            Mail(
                id: notification.id, sender: sender, recipient: notification.news.email, subject: wording.subject, text: wording.text, html: wording.html,
                date: notification.date))
    }
}
