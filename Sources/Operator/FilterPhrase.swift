import Terminal

extension [String: String] {
    /// The filter with these fields in words, such as "letters with cause declined, service payments"; fields are sorted by name.
    package func phrase(selecting what: String) -> String {
        let parts = sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.printable)" }
        return parts.isEmpty ? "all \(what)" : "\(what) with " + parts.joined(separator: ", ")
    }
}
