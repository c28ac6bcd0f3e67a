public import WebClient

/// The way out for mail.
public protocol MailTransport: Sendable {
    /// Returns when somebody else is answerable for the mail. May be called again with a mail that was sent before.
    func send(_ mail: Mail) async throws(MailError)
}

/// Why a mail was not sent.
public struct MailError: Error, Sendable, Equatable {
    /// What happened; names no password.
    public let message: String
    /// This mail will be refused again.
    public let isPermanent: Bool

    public init(_ message: String, isPermanent: Bool) {
        self.message = message
        self.isPermanent = isPermanent
    }
}

/// The transports that `WHARF_MAIL_URL` can name.
public enum MailTransports {
    public static let accepted = "smtp://user:password@host:port, smtps://user:password@host:port, or file:/path/of/a/maildir"

    /// Makes the folders of a Maildir, and connects nowhere yet. Throws a permanent `MailError` for a URL that is none of `accepted`.
    public static func from(url: String, client: WebClient) throws(MailError) -> any MailTransport {
        switch url.split(separator: ":", maxSplits: 1).first?.lowercased() {
        case "smtp", "smtps": return SMTPTransport(url: url, client: client)
        case "file": return try Maildir(url: url)
        default: throw MailError("The mail URL has a scheme that is not known; accepted are \(accepted)", isPermanent: true)
        }
    }
}

/// Hands mail to a mail server.
public struct SMTPTransport: MailTransport {
    /// Refusals that are about this program's own sign-in (RFC 4954), not about the mail.
    private static let authentication = 530...539

    private let url: String
    private let client: WebClient

    /// `url` is `smtp://` or `smtps://` as `MailEnvelope` has it.
    public init(url: String, client: WebClient) {
        self.url = url
        self.client = client
    }

    public func send(_ mail: Mail) async throws(MailError) {
        let envelope = MailEnvelope(
            url: url, from: mail.sender.address, recipients: [mail.recipient.address], message: mail.message)
        do throws(WebClientError) {
            try await client.sendMail(envelope)
        } catch {
            throw MailError(error.message, isPermanent: Self.isPermanent(error.code))
        }
    }

    static func isPermanent(_ code: WebClientError.Code) -> Bool {
        switch code {
        case .smtp(let status): (500..<600).contains(status) && !authentication.contains(status)
        case .invalidRequest: true
        // Settings and networks: somebody mends them, and the mail goes out with the next attempt, or when its dead letter is replayed.
        case .invalidURL, .couldNotConnect, .tls, .timedOut, .connectionLost, .badResponse, .tooLarge, .overloaded, .cancelled,
            .shutDown, .failed:
            false
        }
    }
}
