import Contracts
import WebClient

/// The path and the query of a request, decoded.
struct RequestTarget: Equatable {
    /// Path and query together; longer ones are 414.
    static let maximumBytes = 8_192
    /// More than any path of a document has.
    static let maximumSegments = 16

    let segments: [String]
    /// Every name is unique.
    let query: [String: String]

    init(path: String, query: String?) throws(Refusal) {
        guard path.utf8.count + (query?.utf8.count ?? 0) <= Self.maximumBytes else { throw .targetTooLong }
        let parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        guard path.hasPrefix("/"), parts.count <= Self.maximumSegments else { throw .unknownPath }
        var segments: [String] = []
        for part in parts {
            guard let segment = PercentEncoding.decode(part, allowsControls: true) else { throw .badRequest("The path is not percent-encoded UTF-8.") }
            segments.append(segment)
        }
        self.segments = segments
        self.query = try Self.parse(query ?? "")
    }

    private static func parse(_ query: String) throws(Refusal) -> [String: String] {
        var values: [String: String] = [:]
        guard let fields = PercentEncoding.fields(query.utf8) else { throw .badRequest("The query is not percent-encoded UTF-8.") }
        for (name, value) in fields {
            guard values.updateValue(value, forKey: name) == nil else {
                throw .badRequest("The query has the parameter '\(name.prefix(60))' more than once.")
            }
        }
        return values
    }
}
