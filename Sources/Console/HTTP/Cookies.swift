import HTTPTypes

/// The console's cookies. Over TLS they have the prefix `__Host-`, so only this host can set them, and browsers send them only over TLS.
enum Cookie: String {
    /// The session's token.
    case session = "wharf-console"
    /// Random text from which the sign-in form's token is derived.
    case visitor = "wharf-console-visitor"

    /// Longer values are ignored.
    static let maximumLength = 512

    private func name(isEncrypted: Bool) -> String { (isEncrypted ? "__Host-" : "") + rawValue }

    /// Nil for a cookie that is missing, given twice, or not a valid value.
    func value(_ headers: HTTPFields, isEncrypted: Bool) -> String? {
        let name = name(isEncrypted: isEncrypted)
        let values = headers[values: .cookie].flatMap { $0.split(separator: ";") }.compactMap { pair -> Substring? in
            let pair = pair.drop { $0 == " " }
            guard pair.hasPrefix("\(name)=") else { return nil }
            return pair.dropFirst(name.count + 1)
        }
        guard values.count == 1, let value = values.first, (1...Self.maximumLength).contains(value.utf8.count), value.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        return String(value)
    }

    /// The header that sets the cookie until the browser is closed.
    ///
    /// `Lax`, so that a link in a mail or a chat opens its page: browsers send the cookie with such a GET, which changes nothing, but not with forms
    /// or subrequests from other sites. With `Strict`, each such link would lead to the sign-in form even if there is a session.
    func setting(_ value: String, isEncrypted: Bool) -> String {
        "\(name(isEncrypted: isEncrypted))=\(value); Path=/; HttpOnly; SameSite=Lax" + (isEncrypted ? "; Secure" : "")
    }

    func removal(isEncrypted: Bool) -> String { setting("", isEncrypted: isEncrypted) + "; Max-Age=0" }
}
