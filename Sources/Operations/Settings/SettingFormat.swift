import Logging

/// What a setting's text must look like, and what it means.
struct SettingFormat<Value: Sendable>: Sendable {
    /// For people: what is accepted.
    let accepted: String
    let parse: @Sendable (String) -> Value?
}

extension SettingFormat where Value == String {
    static let text = SettingFormat(accepted: "text without control characters") { text in
        text.unicodeScalars.contains { $0.properties.generalCategory == .control } ? nil : text
    }

    /// One of the schemes, `://`, and something after it, without spaces. What follows is read by the client that connects.
    static func url(_ schemes: String...) -> SettingFormat {
        SettingFormat(accepted: "a URL that begins with " + schemes.map { "\($0)://" }.joined(separator: " or ")) { text in
            isURL(text, schemes) ? text : nil
        }
    }

    /// A mail URL, or `file:` and the path of a Maildir.
    static let mailURL = SettingFormat(accepted: "smtp://host:port, smtps://host:port, sendgrid://, or file: and a folder") { text in
        if text.hasPrefix("file:"), text.utf8.count > "file:".utf8.count { return text }
        return text == "sendgrid://" || isURL(text, ["smtp", "smtps", "sendgrid"]) ? text : nil
    }

    private static func isURL(_ text: String, _ schemes: [String]) -> Bool {
        !text.contains { $0.isWhitespace }
            && schemes.contains { text.hasPrefix("\($0)://") && text.utf8.count > $0.utf8.count + "://".utf8.count }
    }
}

extension SettingFormat where Value == Set<String> {
    /// Names or addresses of hosts, without ports.
    static let hosts = SettingFormat(accepted: "names or addresses of hosts without ports, separated by commas") { text in
        let hosts = text.split(separator: ",", omittingEmptySubsequences: false).map { Settings.normalized(host: $0) }
        return hosts.allSatisfy(isHost) ? Set(hosts) : nil
    }

    private static func isHost(_ text: String) -> Bool {
        // Two colons make an IPv6 address, a single one would be a port.
        let colons = text.count { $0 == ":" }
        return !text.isEmpty && colons != 1
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
                case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"): true
                case UInt8(ascii: ":"): colons > 1
                default: false
                }
            }
    }
}

extension SettingFormat where Value == ListenAddress {
    static let address = SettingFormat(accepted: "host:port, port 0 for any") { ListenAddress($0) }
}

extension SettingFormat where Value == Logger.Level {
    static let logLevel = SettingFormat(accepted: Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")) {
        Logger.Level(rawValue: $0.lowercased())
    }
}

extension SettingFormat where Value == LogFormat {
    static let logFormat = SettingFormat(accepted: LogFormat.allCases.map(\.rawValue).joined(separator: ", ")) {
        LogFormat(rawValue: $0.lowercased())
    }
}
