import Contracts
import Notifications
import Operations
import Secrets
import WebClient

// The channels that reach customers.

extension Assembly {
    /// E-mail, and one line for each further channel: nil where its settings are not given.
    func notificationChannels() throws -> (email: EmailChannel, others: [any NotificationChannel]) {
        let (sender, wordings) = (try mailSender(), try wordings())
        let others: [(any NotificationChannel)?] = [
            try textMessages().map { SMSChannel(carrier: $0, sender: sender, wordings: wordings) }
        ]
        return (EmailChannel(transport: try mail(), sender: sender, wordings: wordings), others.compactMap(\.self))
    }

    /// Makes the folders of a Maildir, where mail goes into one.
    /// - Throws: ``AssemblyError`` when they cannot be made or written.
    package func prepareMailFolder() throws {
        guard let url = settings.mail.url, case .folder? = try? MailURL(url) else { return }
        _ = try mail()
    }

    private func mail() throws -> any MailTransport {
        guard let url = settings.mail.url else { throw AssemblyError("WHARF_MAIL_URL", "is not set", MailURL.accepted) }
        if case .sendGrid? = try? MailURL(url) {
            guard let key = settings.mail.sendGridAPIKey else { throw AssemblyError("SENDGRID_API_KEY", "is not set", "an API key that may send mail") }
            return SendGrid(transport: vendors("mail"), key: (settings.mail.sendGridAPIKey ?? key).exposed, base: settings.mail.sendGridAPIBase)
        }
        // The kind of the URL stays as it is until the next start.
        @Sendable func current() -> String {
            let now = settings.mail.url ?? url
            if case .server? = try? MailURL(now) { return now }
            return url
        }
        do {
            return try MailTransports.from(url: current(), client: WebClient(allowsPlainText: settings.allowsPlainText, logger: logger("mail")))
        } catch {
            throw AssemblyError("WHARF_MAIL_URL", "cannot be used: \(error.message)", MailURL.accepted)
        }
    }

    /// Nil where the shop sends no text messages.
    private func textMessages() throws -> Twilio? {
        guard let account = settings.twilio.accountSID else { return nil }
        guard let token = settings.twilio.authToken else { throw AssemblyError("TWILIO_AUTH_TOKEN", "is not set", "the token of TWILIO_ACCOUNT_SID") }
        guard let from = settings.twilio.from else { throw AssemblyError("TWILIO_FROM", "is not set", "a number, a name or a messaging service's id, as in +15551234567") }
        return Twilio(transport: vendors("sms"), account: account, token: (settings.twilio.authToken ?? token).exposed, from: from, base: settings.twilio.apiBase, webhook: settings.twilio.webhookURL)
    }

    /// A client for the APIs of vendors on the Internet.
    func vendors(_ label: String) -> any HTTPTransport {
        MeteredTransport(traced(WebClient(usesEnvironmentProxy: true, logger: logger(label))), partner: label, showsPaths: false)
    }

    private func wordings() throws -> Wordings {
        guard let folder = settings.mail.templates else { return .standard }
        do throws(WordingFolder.Misfit) {
            return try WordingFolder.read(folder)
        } catch {
            throw AssemblyError("WHARF_TEMPLATES", "cannot be used: \(error.message)", "a folder with files such as orderShipped.de.json")
        }
    }

    private func mailSender() throws -> MailAddress {
        guard let sender = MailAddress(settings.mail.from) else {
            throw AssemblyError("WHARF_MAIL_FROM", "is '\(settings.mail.from)'", "an e-mail address, as in Wharf <shop@example.com>")
        }
        return sender
    }
}
