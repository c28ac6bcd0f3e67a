/// One message and its recipients, by SMTP.
public struct MailEnvelope: Sendable {
    /// How long a delivery may take by default.
    public static let defaultTimeout: Duration = .seconds(30)
    /// The most recipients of one message: what RFC 5321 obliges every server to take.
    public static let maximumRecipients = 100

    /// `smtp://user:password@host:port` (STARTTLS) or `smtps://…` (TLS from the first byte); user and password are optional
    /// and percent-encoded.
    ///
    /// With `smtp://` the server must offer STARTTLS, unless the client allows plain text to its host, as it does to this machine; then STARTTLS is
    /// used where it is offered.
    public var url: String
    /// The bare address that bounces go to.
    public var from: String
    /// Bare addresses. When the server refuses one of them, the message goes to none.
    public var recipients: [String]
    /// RFC 5322, every line ended by CR LF; dots at the start of a line are escaped on the way.
    public var message: [UInt8]
    /// From the call to the server's acceptance.
    public var timeout: Duration

    public init(url: String, from: String, recipients: [String], message: [UInt8], timeout: Duration = defaultTimeout) {
        self.url = url
        self.from = from
        self.recipients = recipients
        self.message = message
        self.timeout = timeout
    }
}

extension MailEnvelope {
    /// Rejects what a server could take for a second command or a second message.
    func validate() throws(WebClientError) {
        guard (1...Self.maximumRecipients).contains(recipients.count) else {
            throw WebClientError(code: .invalidRequest, message: "A message needs 1 to \(Self.maximumRecipients) recipients")
        }
        guard ([from] + recipients).allSatisfy(Self.isBareAddress) else {
            throw WebClientError(code: .invalidRequest, message: "A mail address is not of the form name@host")
        }
        guard Self.hasOnlyWholeLineBreaks(message) else {
            throw WebClientError(code: .invalidRequest, message: "The message has a CR or an LF that is not part of a CR LF")
        }
    }

    private static func isBareAddress(_ text: String) -> Bool {
        let forbidden = Set("<>\u{7F}".utf8)
        return text.contains("@") && text.utf8.allSatisfy { $0 > 0x20 && !forbidden.contains($0) }
    }

    /// Servers disagree on where a line ends at a lone CR or LF, which lets a message pass for two.
    private static func hasOnlyWholeLineBreaks(_ message: [UInt8]) -> Bool {
        var previous: UInt8 = 0
        for byte in message {
            guard (previous == UInt8(ascii: "\r")) == (byte == UInt8(ascii: "\n")) else { return false }
            previous = byte
        }
        return previous != UInt8(ascii: "\r")
    }
}
