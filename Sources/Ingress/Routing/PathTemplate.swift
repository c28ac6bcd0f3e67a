/// A path of the document, cut at its slashes.
enum PathTemplate {
    enum Segment: Equatable {
        case literal(String)
        case parameter(String)
    }

    /// Nil when it does not consist of literals and whole-segment templates.
    static func segments(of path: String) -> [Segment]? {
        guard path.hasPrefix("/") else { return nil }
        var segments: [Segment] = []
        for part in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            if part.hasPrefix("{"), part.hasSuffix("}"), part.count > 2 {
                segments.append(.parameter(String(part.dropFirst().dropLast())))
            } else if !part.isEmpty, !part.contains(where: { "{}%?#".contains($0) }) {
                segments.append(.literal(String(part)))
            } else {
                return nil
            }
        }
        return segments
    }

    static func names(in path: String) -> [String] {
        (segments(of: path) ?? []).compactMap { segment in
            if case .parameter(let name) = segment { name } else { nil }
        }
    }
}
