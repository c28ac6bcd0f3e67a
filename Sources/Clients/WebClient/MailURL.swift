/// How mail leaves, as settings name it.
public enum MailURL: Sendable, Equatable {
    /// A mail server, for ``WebClient/sendMail(_:)``.
    case server(Destination)
    /// The path of a Maildir, absolute or below the working folder.
    case folder(String)
    /// SendGrid's API, whose key and address are settings of their own.
    case sendGrid

    /// For people: what ``init(_:)`` reads.
    public static let accepted = "smtp://user:password@host:port, smtps://user:password@host:port, sendgrid://, or file:/path/of/a/maildir"

    /// Reads `sendgrid://`, `smtp://` and `smtps://` with `[user[:password]@]host[:port]`, and `file:/path`, `file:///path` or `file:path`; percent-encoded.
    /// - Throws: ``WebClientError`` with the code `invalidURL`, which says what is wrong and quotes nothing.
    public init(_ text: String) throws(WebClientError) {
        if text.lowercased().hasPrefix("sendgrid:") {
            guard text.lowercased() == "sendgrid://" else { throw Self.wrong("nothing follows sendgrid://: SENDGRID_API_KEY holds the key") }
            self = .sendGrid
            return
        }
        guard text.lowercased().hasPrefix("file:") else {
            self = .server(try Destination(setting: text, schemes: ["smtp", "smtps"], takesCredentials: true))
            return
        }
        var path = text.dropFirst("file:".count)
        if path.hasPrefix("//") {
            path = path.dropFirst(2)
            if path.hasPrefix("localhost/") { path = path.dropFirst("localhost".count) }
            guard path.hasPrefix("/") else { throw Self.wrong("a Maildir is a folder of this machine, file:/path") }
        }
        guard path.contains(where: { $0 != "/" }) else { throw Self.wrong("it names no folder") }
        guard !path.contains("?"), !path.contains("#") else { throw Self.wrong("it has a query or a fragment") }
        guard let decoded = PercentEncoding.decode(path) else {
            throw Self.wrong("its path has a % without two hexadecimal digits, a control character, or what is not UTF-8")
        }
        self = .folder(decoded)
    }

    private static func wrong(_ reason: String) -> WebClientError {
        WebClientError(code: .invalidURL, message: reason)
    }
}
