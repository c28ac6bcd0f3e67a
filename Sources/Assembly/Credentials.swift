import WebClient

/// The user and the password in a URL.
package struct Credentials: Sendable, Equatable {
    package let user: String
    package let password: String

    /// Nil when `url` is the common one: then the service has no user of its own.
    package init?(ofOwn url: String, besides common: String) throws {
        guard url != common else { return nil }
        self = try Self.split(url).credentials
    }

    private init(user: String, password: String) {
        self.user = user
        self.password = password
    }

    /// The URL without its credentials, and the credentials.
    package static func split(_ url: String) throws -> (url: String, credentials: Credentials) {
        guard let scheme = url.firstRange(of: "://"), let at = url[scheme.upperBound...].firstIndex(of: "@"),
            let colon = url[scheme.upperBound..<at].firstIndex(of: ":"),
            let user = PercentEncoding.decode(url[scheme.upperBound..<colon]),
            let password = PercentEncoding.decode(url[url.index(after: colon)..<at])
        else { throw CredentialsError() }
        let bare = url[..<scheme.upperBound] + url[url.index(after: at)...]
        return (String(bare), Credentials(user: user, password: password))
    }
}

package struct CredentialsError: Error, CustomStringConvertible {
    package let description = "A service's URL must hold its user and password, as in amqp://catalog:secret@host:5672/"
}
