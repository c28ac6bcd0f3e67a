import HTTPTypes

/// The headers of every response.
enum SecurityHeaders {
    /// Pages load nothing from other origins, and contain no inline script or style.
    static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

    private static let fields: HTTPFields = {
        var fields = HTTPFields()
        let all = [
            ("Content-Security-Policy", policy), ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"),
            // With no-referrer, browsers send forms with `Origin: null`, which cannot be checked. Other sites get no referrer either way.
            ("Referrer-Policy", "same-origin"),
            ("Cross-Origin-Opener-Policy", "same-origin"), ("Cross-Origin-Resource-Policy", "same-origin"),
        ]
        for (name, value) in all {
            if let name = HTTPField.Name(name) { fields[name] = value }
        }
        return fields
    }()

    static func add(to headers: inout HTTPFields) {
        headers.append(contentsOf: fields)
        if headers[.cacheControl] == nil { headers[.cacheControl] = "no-store" }
    }
}
