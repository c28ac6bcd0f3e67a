/// Any value in a JSON text, as its original bytes.
public struct RawJSON: Sendable, Decodable {
    public let bytes: [UInt8]

    /// Throws `DecodingError` if the decoder is not that of ``JSON``.
    public init(from decoder: any Decoder) throws {
        guard let reader = decoder as? JSONReader else {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "Only Wharf's own JSON decoder keeps the bytes of a value."))
        }
        bytes = reader.bytes
    }
}
