public import Contracts
public import FoundationEssentials

/// One mail to one person.
public struct Mail: Sendable, Equatable {
    /// The same whenever the same mail is sent again.
    public let id: UUID
    public let sender: MailAddress
    public let recipient: MailAddress
    public let subject: String
    public let text: String
    /// The same for mail readers that show HTML; its author escapes it.
    public let html: String
    public let date: Date
    /// The id of the notification, by which reports refer to it, because a mail with a new token has a new id each time.
    public let notification: UUID

    public init(
        id: UUID, notification: UUID? = nil, sender: MailAddress, recipient: MailAddress, subject: String, text: String, html: String, date: Date
    ) {
        self.id = id
        self.notification = notification ?? id
        self.sender = sender
        self.recipient = recipient
        self.subject = subject
        self.text = text
        self.html = html
        self.date = date
    }
}
