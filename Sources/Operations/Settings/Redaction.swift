/// The part of a value that may be shown.
enum Redaction {
    static let hidden = "(hidden)"
    private static let mark = "***"
    /// libpq's and RabbitMQ's parameters about location and transport, which help to find a mistake.
    private static let plainParameters: Set<Substring> = [
        "sslmode", "target_session_attrs", "channel_binding", "host", "hostaddr", "port", "connect_timeout", "cacertfile", "verify", "sslrootcert",
        "heartbeat", "connection_timeout",
    ]

    static func shown(_ text: String, _ secrecy: SettingsReader.Secrecy) -> String {
        switch secrecy {
        case .secret: hidden
        case .url: url(text)
        // A user has no place in these; a value that has one may also have a password.
        case .open: text.contains("://") ? url(text) : text
        }
    }

    /// The URL without its password: `amqp://catalog:***@rabbit/`. A text that is not a URL also loses whatever could be one: the text before an `@`, anything
    /// like a port that is not a number, and parameters that are not known to be harmless.
    static func url(_ text: String) -> String {
        var shown = text
        let scheme = shown.firstRange(of: "://")
        // For instance libpq's other form.
        guard scheme != nil || !text.contains("=") else { return mark }
        let start = scheme?.upperBound ?? shown.startIndex
        // The last @: a password that was not percent-encoded may contain others.
        if let at = shown[start...].lastIndex(of: "@") {
            let colon = shown[start..<at].firstIndex(of: ":")
            shown.replaceSubrange((colon.map { shown.index(after: $0) } ?? start)..<at, with: mark)
        } else if let colon = shown[start...].firstIndex(of: ":"), scheme != nil, !shown[start...].hasPrefix("[") {
            // A host and its port, or a user and a password whose @ and host are missing.
            let end = shown[colon...].firstIndex { $0 == "/" || $0 == "?" } ?? shown.endIndex
            let port = shown[shown.index(after: colon)..<end]
            let nodes = shown[start..<end].split(separator: ",", omittingEmptySubsequences: false)
            if !isPort(port), !nodes.allSatisfy(isNode) { shown.replaceSubrange(port.startIndex..<port.endIndex, with: mark) }
        }
        return withoutParameters(shown)
    }

    private static func isPort(_ text: Substring) -> Bool { text.allSatisfy(\.isNumber) }

    /// One of several hosts. A port is required, because the rest of a password that contains a comma could look like a host without one.
    private static func isNode(_ text: Substring) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count == 2 && isPort(parts[1])
    }

    private static func withoutParameters(_ text: String) -> String {
        guard let mark = text.firstIndex(of: "?") else { return text }
        let parameters = text[text.index(after: mark)...].split(separator: "&", omittingEmptySubsequences: false).map { parameter in
            let parts = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = parts.first, parts.count == 2, !plainParameters.contains(name) else { return String(parameter) }
            return "\(name)=\(Self.mark)"
        }
        return text[...mark] + parameters.joined(separator: "&")
    }
}
