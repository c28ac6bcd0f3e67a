import HTTPTypes

/// The canonical spelling in which the names of header fields are sent, whatever their source: `Cache-Control`, as Hummingbird spells its own.
enum FieldName {
    /// The fields of most answers, precomputed so that a response spells nothing anew.
    private static let known: [String: HTTPField.Name] = {
        let names = [
            "accept", "accept-encoding", "access-control-allow-origin", "access-control-expose-headers", "allow", "cache-control", "connection", "etag", "idempotent-replayed", "location",
            "preference-applied", "retry-after",
            "traceparent", "vary", "www-authenticate", "x-request-id",
        ]
        return Dictionary(names.compactMap { name in HTTPField.Name(spelling(name)).map { (name, $0) } }) { first, _ in first }
    }()
    /// Names that do not follow the rule.
    private static let irregular = ["etag": "ETag", "www-authenticate": "WWW-Authenticate"]

    /// Nil when it cannot be the name of a field.
    static func of(_ lowerCase: String) -> HTTPField.Name? {
        known[lowerCase] ?? HTTPField.Name(spelling(lowerCase))
    }

    private static func spelling(_ name: String) -> String {
        irregular[name]
            ?? name.split(separator: "-", omittingEmptySubsequences: false).map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined(separator: "-")
    }
}
