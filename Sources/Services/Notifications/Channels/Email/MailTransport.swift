import Contracts
public import WebClient

/// The outgoing transport for mail.
public protocol MailTransport: Sendable {
    /// Returns when another party has taken responsibility for the mail. May be called again with a mail that was sent before.
    func send(_ mail: Mail) async throws(DeliveryError)
}

/// The transports that a URL in `WHARF_MAIL_URL` describes: mail servers and Maildirs.
public enum MailTransports {
    /// Creates the folders of a Maildir; does not connect anywhere yet. Throws `DeliveryError` for a URL that `MailURL` does not accept.
    public static func from(url: @autoclosure @escaping @Sendable () -> String, client: WebClient) throws(DeliveryError) -> any MailTransport {
        let destination: MailURL
        do {
            destination = try MailURL(url())
        } catch {
            throw DeliveryError("The mail URL cannot be used: \(error.message); accepted are \(MailURL.accepted)", .denied)
        }
        switch destination {
        case .server: return SMTPTransport(url: url(), client: client)
        case .folder(let path): return try Maildir(path: path)
        case .sendGrid: throw DeliveryError("SendGrid needs a key", .denied)
        }
    }
}

/// Sends mail through a mail server.
public struct SMTPTransport: MailTransport {
    private let url: @Sendable () -> String
    private let client: WebClient

    /// `url` is `smtp://` or `smtps://` in the form of `MailEnvelope`, and read again for each mail.
    public init(url: @autoclosure @escaping @Sendable () -> String, client: WebClient) {
        self.url = url
        self.client = client
    }

    public func send(_ mail: Mail) async throws(DeliveryError) {
        let envelope = MailEnvelope(
            url: url(), from: mail.sender.address, recipients: [mail.recipient.address], message: mail.message)
        do throws(WebClientError) {
            try await client.sendMail(envelope)
        } catch {
            throw DeliveryError(error.message, Self.reason(error.code))
        }
    }

    static func reason(_ code: WebClientError.Code) -> DeliveryError.Reason {
        switch code {
        case .smtp(let status, let enhanced): refusal(status, enhanced)
        case .invalidRequest: .refused
        default: APICall.reason(code)
        }
    }

    /// Whom a rejection is about. The enhanced code (RFC 3463) says so; without one, the plain codes about mailboxes (RFC 5321, 4.2.3) are about the recipient, and
    /// all others, such as `554 relay access denied` or a failed sign-in, about the sender.
    private static func refusal(_ status: Int, _ enhanced: String?) -> DeliveryError.Reason {
        guard (500..<600).contains(status) else { return .unavailable }
        guard let enhanced else { return mailboxReplies.contains(status) ? .refused : .denied }
        let parts = enhanced.split(separator: ".").compactMap { Int($0) }
        guard let subject = parts.dropFirst().first, let detail = parts.dropFirst(2).first else { return .denied }
        return switch (subject, detail) {
        // Of the codes about addresses, these two are about the sender's.
        case (1, 7), (1, 8): .denied
        // Address, mailbox, and content of the mail.
        case (1, _), (2, _), (6, _): .refused
        // Too large for this recipient's server.
        case (3, 4): .refused
        default: .denied
        }
    }

    /// Mailbox unavailable, not local, full, not allowed; and a domain that accepts no mail (RFC 7504).
    private static let mailboxReplies: Set<Int> = [550, 551, 552, 553, 556]
}
