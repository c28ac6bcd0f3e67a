import FoundationEssentials

extension UUID {
    /// As the API writes it.
    package var text: String { uuidString.lowercased() }
}
