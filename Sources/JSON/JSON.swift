/// Wharf's single JSON dialect: camelCase as the properties are named, RFC 3339 UTC with milliseconds, sorted keys, so that equal values
/// are equal bytes.
///
/// The bytes are those of Foundation's `JSONEncoder` with sorted keys and unescaped slashes; its coders cost two to three times as much, and every
/// message is coded here more than once. `Data`, `Decimal` and `URL` have no special form here: no message contains them.
public enum JSON {
    /// Throws `EncodingError` for a number that JSON cannot represent (not finite), and for a value that encodes nothing.
    public static func encode(_ value: some Encodable) throws -> [UInt8] {
        if let value = value as? any DirectlyEncodable { return bytes(of: value) }
        return try JSONOutline.bytes(of: value)
    }

    /// The text of a value that writes itself.
    @inlinable
    public static func bytes(of value: some DirectlyEncodable) -> [UInt8] {
        var writer = JSONWriter()
        value.write(to: &writer)
        return writer.bytes
    }

    /// The fields of an object that a client sent, which must satisfy ``JSONSyntax`` to the letter.
    /// - Throws: ``JSONSyntax/Fault`` for text that is not JSON; `DecodingError` for JSON that is not an object.
    public static func fields<Name: CodingKey>(of bytes: [UInt8], named: Name.Type) throws -> KeyedDecodingContainer<Name> {
        try JSONReader(JSONTree(JSONSyntax(checking: bytes))).container(keyedBy: Name.self)
    }

    /// Throws `DecodingError`. Of two fields with one name the first one counts; arrays and objects may be nested 512 deep.
    public static func decode<T: Decodable>(_ type: T.Type = T.self, from bytes: [UInt8]) throws -> T {
        let text = try place(bytes)
        if let type = type as? any DirectlyDecodable.Type, let value = (try? type.init(reading: text)) as? T { return value }
        return try JSONReader(text.tree).decode(type)
    }

    @inlinable
    public static func decode<T: DirectlyDecodable>(_ type: T.Type = T.self, from bytes: [UInt8]) throws -> T {
        let text = try place(bytes)
        do throws(JSONDetour) {
            return try T(reading: text)
        } catch {
            return try decode(type, byDetour: text)
        }
    }

    @usableFromInline
    static func decode<T: Decodable>(_ type: T.Type, byDetour text: JSONPlace) throws -> T {
        try JSONReader(text.tree).decode(type)
    }

    @usableFromInline
    static func place(_ bytes: [UInt8]) throws -> JSONPlace {
        do throws(JSONSyntax.Fault) {
            return JSONPlace(tree: JSONTree(try JSONSyntax(reading: bytes)), node: 0)
        } catch {
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "The given data was not valid JSON: \(error)."))
        }
    }
}
