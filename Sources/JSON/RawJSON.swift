/// A value of a JSON text, whatever it is, in the bytes in which it stands there.
public struct RawJSON: Sendable, Decodable {
    public let bytes: [UInt8]

    /// Throws `DecodingError` for another decoder than ``JSON``.
    public init(from decoder: any Decoder) throws {
        guard let reader = decoder as? JSONReader else {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "Only Wharf's own JSON keeps the bytes of a value."))
        }
        bytes = reader.bytes
    }
}
