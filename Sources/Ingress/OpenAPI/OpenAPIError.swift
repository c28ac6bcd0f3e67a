/// Why a document is not a valid routing table. The process that needs it cannot start; the document has to be corrected.
public struct OpenAPIError: Error, Sendable, Equatable, CustomStringConvertible {
    public let file: String
    /// Counted from 1, where it is known.
    public let line: Int?
    /// The operation or the part of the document: `GET /v1/products`.
    public let place: String
    public let message: String

    public var description: String {
        "\(file)\(line.map { ":\($0)" } ?? ""): \(place): \(message)"
    }
}
