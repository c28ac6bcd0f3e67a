/// The entity tags of an `If-Match` or `If-None-Match` (RFC 9110): a list, or `*` for any.
public struct EntityTags: Sendable, Equatable {
    private let tags: [Substring]

    public init(_ field: String) {
        var isQuoted = false
        tags = field.split { character in
            if character == "\"" { isQuoted.toggle() }
            return character == "," && !isQuoted
        }.map { Substring(String($0).trimmingWhitespace()) }
    }

    /// For `If-Match`: a weak tag does not identify a representation that a change could be based on.
    public func match(_ tag: String) -> Bool {
        tags.contains { $0 == "*" || $0 == tag }
    }

    /// For `If-Match` on a resource whose tags are `"version"` or `"version-rest"`: clients change the version; the rest changes without them. A
    /// change may be based on any tag of this version.
    public func match(version: Int) -> Bool {
        tags.contains { $0 == "*" || $0 == "\"\(version)\"" || $0.hasPrefix("\"\(version)-") }
    }

    /// For `If-None-Match`.
    public func matchWeakly(_ tag: String) -> Bool {
        let wanted = Self.strong(tag[...])
        return tags.contains { $0 == "*" || Self.strong($0) == wanted }
    }

    private static func strong(_ tag: Substring) -> Substring {
        tag.hasPrefix("W/") ? tag.dropFirst(2) : tag
    }
}
