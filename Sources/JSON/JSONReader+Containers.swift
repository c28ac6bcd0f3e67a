/// The members of an object.
struct JSONObjectReader<Key: CodingKey>: KeyedDecodingContainerProtocol {
    /// An object with more fields than this is indexed once instead of searched for each field: it may come from an untrusted client.
    private static var maximumSearched: Int { 32 }

    private let reader: JSONReader
    private let places: [String: Int]?

    init(reader: JSONReader) {
        self.reader = reader
        places =
            reader.node.count > Self.maximumSearched
            ? Dictionary(reader.tree.members(of: reader.place).lazy.map { ($0.name, $0.place) }, uniquingKeysWith: { first, _ in first }) : nil
    }

    var codingPath: [any CodingKey] { reader.codingPath }

    var allKeys: [Key] {
        var seen: Set<String> = []
        return reader.tree.members(of: reader.place).filter { seen.insert($0.name).inserted }.compactMap { Key(stringValue: $0.name) }
    }

    func contains(_ key: Key) -> Bool { find(key) != nil }

    private func find(_ key: Key) -> JSONReader? {
        let name = key.stringValue
        let place = if let places { places[name] } else { reader.tree.value(named: name, in: reader.place) }
        return place.map { JSONReader(reader.tree, at: $0) }
    }

    private func value(_ key: Key) throws -> JSONReader {
        if let value = find(key) { return value }
        throw DecodingError.keyNotFound(key, .init(codingPath: codingPath, debugDescription: "There is no field '\(key.stringValue)'."))
    }

    /// The value, unless it is missing or null.
    private func present(_ key: Key) -> JSONReader? {
        find(key).flatMap { $0.decodeNil() ? nil : $0 }
    }

    func decodeNil(forKey key: Key) throws -> Bool { try value(key).decodeNil() }
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try value(key).decode(type) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try value(key).decode(type) }
    func decode<Number: FixedWidthInteger & Decodable>(_ type: Number.Type, forKey key: Key) throws -> Number { try value(key).decode(type) }
    func decode<Number: BinaryFloatingPoint & LosslessStringConvertible & Decodable>(_ type: Number.Type, forKey key: Key) throws -> Number {
        try value(key).decode(type)
    }
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value { try value(key).decode(type) }
    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { try present(key)?.decode(type) }
    func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? { try present(key)?.decode(type) }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws -> KeyedDecodingContainer<Nested> {
        try value(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { try value(key).unkeyedContainer() }

    func superDecoder() throws -> any Decoder {
        reader.tree.value(named: "super", in: reader.place).map { JSONReader(reader.tree, at: $0) } ?? reader
    }

    func superDecoder(forKey key: Key) throws -> any Decoder { try value(key) }
}

/// The elements of an array, one after the other.
struct JSONArrayReader: UnkeyedDecodingContainer {
    private let reader: JSONReader
    private var place: Int
    private(set) var currentIndex = 0

    init(reader: JSONReader) {
        self.reader = reader
        place = reader.place + 1
    }

    var codingPath: [any CodingKey] { reader.codingPath }
    var count: Int? { reader.node.count }
    var isAtEnd: Bool { place >= reader.node.next }

    private func current() throws -> JSONReader {
        guard !isAtEnd else {
            let context = DecodingError.Context(codingPath: codingPath, debugDescription: "The array has \(currentIndex) elements only.")
            throw DecodingError.valueNotFound(Any.self, context)
        }
        return JSONReader(reader.tree, at: place)
    }

    /// Advances to the next element once this one could be read.
    private mutating func take<Value>(_ read: (JSONReader) throws -> Value) throws -> Value {
        let element = try current()
        let value = try read(element)
        place = element.node.next
        currentIndex += 1
        return value
    }

    mutating func decodeNil() throws -> Bool {
        let isNull = try current().decodeNil()
        return isNull ? try take { $0.decodeNil() } : false
    }

    mutating func decode(_ type: Bool.Type) throws -> Bool { try take { try $0.decode(type) } }
    mutating func decode(_ type: String.Type) throws -> String { try take { try $0.decode(type) } }
    mutating func decode<Number: FixedWidthInteger & Decodable>(_ type: Number.Type) throws -> Number { try take { try $0.decode(type) } }
    mutating func decode<Number: BinaryFloatingPoint & LosslessStringConvertible & Decodable>(_ type: Number.Type) throws -> Number {
        try take { try $0.decode(type) }
    }
    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try take { try $0.decode(type) } }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) throws -> KeyedDecodingContainer<Nested> {
        try take { try $0.container(keyedBy: type) }
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try take { try $0.unkeyedContainer() } }
    mutating func superDecoder() throws -> any Decoder { try take { $0 } }
}
