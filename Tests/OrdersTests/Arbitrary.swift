import Contracts
import FoundationEssentials
import Secrets
import Seeds

/// A decoder that generates a value for whatever a type asks for, so that the tests also cover fields that are added to a type later.
struct Arbitrary: Decoder, SingleValueDecodingContainer {
    final class Source {
        private var random: SplitMix

        init(seed: UInt64) { random = SplitMix(seed: seed) }

        func number(below bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
    }

    let source: Source
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    static func value<Value: Decodable>(_ type: Value.Type, _ source: Source) throws -> Value { try Arbitrary(source: source).decode(type) }

    func container<Key: CodingKey>(keyedBy: Key.Type) -> KeyedDecodingContainer<Key> { KeyedDecodingContainer(Fields<Key>(value: self)) }
    func unkeyedContainer() -> any UnkeyedDecodingContainer { Elements(value: self, count: source.number(below: 4)) }
    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    func decodeNil() -> Bool { source.number(below: 3) == 0 }
    func decode(_: Bool.Type) -> Bool { source.number(below: 2) == 0 }
    func decode(_: String.Type) -> String {
        let words = [
            "", "GRO-10234", "a \"quoted\" \\ text", "Café crème, 500 g", "line\nbreak\t\u{1}", "😀/ä", "a text of more than fifteen characters", "customer", "admin",
            "shop", "nothing", "cancelled", "refunded",
        ]
        return words[source.number(below: words.count)]
    }
    func decode<Number: FixedWidthInteger & Decodable>(_: Number.Type) -> Number {
        let numbers = [0, 1, -1, 9, 10, 4711, 999_999_999, 1_000_000_000, -99_999_999, 123_456_789_012_345_678]
        return Number(truncatingIfNeeded: numbers[source.number(below: numbers.count)])
    }
    func decode<Number: BinaryFloatingPoint & Decodable>(_: Number.Type) -> Number { Number(source.number(below: 1_000)) / 8 }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if type == UUID.self, let id = UUID.v5(namespace: .zero, name: String(source.number(below: 1_000_000))) as? Value { return id }
        if type == Date.self, let date = Date(timeIntervalSince1970: Double(source.number(below: 4_000_000_000_000)) / 1_000) as? Value { return date }
        if type == Image.self, let image = Image(url: decode(String.self), alt: decodeNil() ? nil : decode(String.self)) as? Value { return image }
        if let type = type as? any CaseIterable.Type, let value = oneCase(of: type) as? Value { return value }
        // An enumeration rejects most words.
        for _ in 0..<1_000 { if let value = try? Value(from: self) { return value } }
        return try Value(from: self)
    }

    private func oneCase<Enumeration: CaseIterable>(of type: Enumeration.Type) -> Enumeration? {
        let cases = Array(type.allCases)
        return cases.isEmpty ? nil : cases[source.number(below: cases.count)]
    }
}

private struct Fields<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let value: Arbitrary
    var codingPath: [any CodingKey] { [] }
    /// Only dictionaries ask for all keys.
    var allKeys: [Key] { ["b", "a", "Ä"].prefix(value.source.number(below: 4)).compactMap(Key.init(stringValue:)) }

    func contains(_: Key) -> Bool { value.source.number(below: 2) == 0 }
    func decodeNil(forKey _: Key) -> Bool { value.decodeNil() }
    func decode(_ type: Bool.Type, forKey _: Key) -> Bool { value.decode(type) }
    func decode(_ type: String.Type, forKey _: Key) -> String { value.decode(type) }
    func decode<Number: FixedWidthInteger & Decodable>(_ type: Number.Type, forKey _: Key) -> Number { value.decode(type) }
    func decode<Number: BinaryFloatingPoint & Decodable>(_ type: Number.Type, forKey _: Key) -> Number { value.decode(type) }
    func decode<Value: Decodable>(_ type: Value.Type, forKey _: Key) throws -> Value { try value.decode(type) }
    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey _: Key) -> KeyedDecodingContainer<Nested> { value.container(keyedBy: type) }
    func nestedUnkeyedContainer(forKey _: Key) -> any UnkeyedDecodingContainer { value.unkeyedContainer() }
    func superDecoder() -> any Decoder { value }
    func superDecoder(forKey _: Key) -> any Decoder { value }
}

private struct Elements: UnkeyedDecodingContainer {
    let value: Arbitrary
    let count: Int?
    var currentIndex = 0

    init(value: Arbitrary, count: Int) {
        self.value = value
        self.count = count
    }

    var codingPath: [any CodingKey] { [] }
    var isAtEnd: Bool { currentIndex >= count ?? 0 }

    private mutating func take() -> Arbitrary {
        currentIndex += 1
        return value
    }

    mutating func decodeNil() -> Bool { false }
    mutating func decode(_ type: Bool.Type) -> Bool { take().decode(type) }
    mutating func decode(_ type: String.Type) -> String { take().decode(type) }
    mutating func decode<Number: FixedWidthInteger & Decodable>(_ type: Number.Type) -> Number { take().decode(type) }
    mutating func decode<Number: BinaryFloatingPoint & Decodable>(_ type: Number.Type) -> Number { take().decode(type) }
    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try take().decode(type) }
    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedDecodingContainer<Nested> { take().container(keyedBy: type) }
    mutating func nestedUnkeyedContainer() -> any UnkeyedDecodingContainer { take().unkeyedContainer() }
    mutating func superDecoder() -> any Decoder { take() }
}
