import Contracts
import Notifications
import Operations
import WebClient

// The channels that reach customers.

extension Assembly {
    /// E-mail, and one line for each further channel: nil where its settings are not given.
    func notificationChannels() throws -> (email: EmailChannel, others: [any NotificationChannel]) {
        (EmailChannel(transport: try mail(), sender: try mailSender()), [].compactMap(\.self))
    }

    /// Makes the folders of a Maildir, where mail goes into one.
    /// - Throws: ``AssemblyError`` when they cannot be made or written.
    package func prepareMailFolder() throws {
        guard let url = settings.mail.url, case .folder? = try? MailURL(url) else { return }
        _ = try mail()
    }

    private func mail() throws -> any MailTransport {
        guard let url = settings.mail.url else { throw AssemblyError("WHARF_MAIL_URL", "is not set", MailURL.accepted) }
        do {
            return try MailTransports.from(url: url, client: WebClient(allowsPlainText: settings.allowsPlainText, logger: logger("mail")))
        } catch {
            throw AssemblyError("WHARF_MAIL_URL", "cannot be used: \(error.message)", MailURL.accepted)
        }
    }

    private func mailSender() throws -> MailAddress {
        guard let sender = MailAddress(settings.mail.from) else {
            throw AssemblyError("WHARF_MAIL_FROM", "is '\(settings.mail.from)'", "an e-mail address, as in Wharf <shop@example.com>")
        }
        return sender
    }
}
