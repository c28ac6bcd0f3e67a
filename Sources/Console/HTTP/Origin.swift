import HTTPTypes

/// Checks that a form was sent by one of the console's pages, as the browser reports.
enum Origin {
    private static let fetchSite = HTTPField.Name("Sec-Fetch-Site")
    private static let own = "same-origin"
    private static let origin = HTTPField.Name("Origin")

    /// False if the browser reports that the request comes from elsewhere, such as from a link in a mail.
    static func mayBeOwn(_ head: HTTPRequest) -> Bool {
        (fetchSite.flatMap { head.headerFields[$0] } ?? own) == own
    }

    /// Checks `Sec-Fetch-Site` and `Origin`, of which at least one must be present.
    static func isOwn(_ head: HTTPRequest) -> Bool {
        let headers = head.headerFields
        let site = fetchSite.flatMap { headers[$0] }
        let origin = origin.flatMap { headers[$0] }
        guard site != nil || origin != nil else { return false }
        if let site, site != own { return false }
        guard let origin else { return true }
        guard let authority = head.authority?.lowercased(), let scheme = origin.firstRange(of: "://") else { return false }
        let (name, host) = (origin[..<scheme.lowerBound], origin[scheme.upperBound...].lowercased())
        guard name == "http" || name == "https" else { return false }
        let standardPort = name == "https" ? ":443" : ":80"
        return host == authority || host + standardPort == authority || host == authority + standardPort
    }
}
