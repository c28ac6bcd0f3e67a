public import Contracts
import FoundationEssentials

/// Mail carries all news, because every order has an e-mail address until its customer has been erased.
public struct EmailChannel: NotificationChannel {
    public let name = "email"
    public let noun = "mail"

    let transport: any MailTransport
    let sender: MailAddress
    let wordings: Wordings

    public init(transport: any MailTransport, sender: MailAddress, wordings: Wordings = .standard) {
        self.transport = transport
        self.sender = sender
        self.wordings = wordings
    }

    public func recipient(of news: OrderNews) -> String? { news.email.address == Erased.email ? nil : news.email.address }

    public func send(_ notification: OutgoingNotification) async throws(DeliveryError) {
        let letter = Letter(notification.news, wordings, shop: sender.shopName)
        try await transport.send(Mail(letter, id: notification.id, from: sender, to: notification.news.email, date: notification.date))
    }
}

extension Mail {
    init(_ letter: Letter, id: UUID, notification: UUID? = nil, from sender: MailAddress, to recipient: MailAddress, date: Date) {
        self.init(
            id: id, notification: notification, sender: sender, recipient: recipient, subject: letter.subject, text: letter.text, html: letter.html, date: date)
    }
}

extension MailAddress {
    /// The name of the shop in its messages.
    var shopName: String { name ?? String(host) }
}
