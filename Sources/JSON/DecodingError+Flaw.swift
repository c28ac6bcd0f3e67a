extension DecodingError {
    /// Which member is wrong, and why, in words.
    public var flaw: String {
        switch self {
        case .keyNotFound(let key, let context): "\(path(context, and: key.stringValue)) is missing"
        case .valueNotFound(_, let context): "\(path(context)) is null"
        case .typeMismatch(_, let context), .dataCorrupted(let context): "\(path(context)): \(context.debugDescription)"
        @unknown default: "it cannot be read"
        }
    }

    private func path(_ context: Context, and last: String? = nil) -> String {
        let path = (context.codingPath.map(\.stringValue) + (last.map { [$0] } ?? [])).joined(separator: ".")
        return path.isEmpty ? "the body" : path
    }
}
