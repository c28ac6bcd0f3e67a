/// A value that writes itself as JSON, without Codable's containers, which cost some 1,000 instructions a field. ``JSON`` uses it wherever a whole text
/// is such a value.
///
/// The bytes are exactly those of its `Encodable` conformance: fields sorted by name, and none for nil.
public protocol DirectlyEncodable: Encodable {
    func write(to json: inout JSONWriter)
}

/// A value that reads itself from JSON, without Codable's containers.
///
/// It reads what its `DirectlyEncodable` conformance writes, also with the fields in another order or with others between them. For anything else it
/// throws ``JSONDetour``; its `Decodable` conformance then reads the same text, or reports what is wrong with it.
public protocol DirectlyDecodable: Decodable {
    init(reading value: JSONPlace) throws(JSONDetour)
}

public typealias DirectlyCodable = DirectlyDecodable & DirectlyEncodable

/// Thrown for a value that its type does not read directly; the `Decodable` conformance of the type reads or rejects it.
public struct JSONDetour: Error {
    public init() {}
}

// MARK: - Texts, numbers, flags

extension String: DirectlyCodable {
    public init(reading value: JSONPlace) throws(JSONDetour) { self = try value.text() }
    public func write(to json: inout JSONWriter) { json.value(self) }
}

extension Int: DirectlyCodable {
    public init(reading value: JSONPlace) throws(JSONDetour) { self = try value.integer() }
    public func write(to json: inout JSONWriter) { json.value(self) }
}

extension Bool: DirectlyCodable {
    public init(reading value: JSONPlace) throws(JSONDetour) { self = try value.flag() }
    public func write(to json: inout JSONWriter) { json.value(self) }
}

extension DirectlyDecodable where Self: RawRepresentable, RawValue == String {
    @inlinable
    public init(reading value: JSONPlace) throws(JSONDetour) {
        guard let known = Self(rawValue: try value.text()) else { throw JSONDetour() }
        self = known
    }
}

extension DirectlyEncodable where Self: RawRepresentable, RawValue == String {
    @inlinable
    public func write(to json: inout JSONWriter) { json.value(rawValue) }
}

// MARK: - Lists

extension Array: DirectlyDecodable where Element: DirectlyDecodable {
    @inlinable
    public init(reading value: JSONPlace) throws(JSONDetour) {
        self = []
        var rest = try value.elements()
        reserveCapacity(rest.count)
        while let element = rest.next() { append(try Element(reading: element)) }
    }
}

extension Array: DirectlyEncodable where Element: DirectlyEncodable {
    @inlinable
    public func write(to json: inout JSONWriter) {
        json.array(self) { json, element in element.write(to: &json) }
    }
}
