import FoundationEssentials
import Secrets

/// A value in a JSON text, for types that read themselves (``DirectlyDecodable``).
public struct JSONPlace {
    let tree: JSONTree
    let node: Int

    @usableFromInline var isNull: Bool { tree.nodes[node].kind == .null }

    /// The fields, if it is an object.
    public func fields() throws(JSONDetour) -> JSONFields {
        guard tree.nodes[node].kind == .object else { throw JSONDetour() }
        return JSONFields(tree: tree, place: node + 1, end: tree.nodes[node].next)
    }

    /// The elements, if it is an array.
    public func elements() throws(JSONDetour) -> JSONElements {
        guard tree.nodes[node].kind == .array else { throw JSONDetour() }
        return JSONElements(tree: tree, place: node + 1, end: tree.nodes[node].next, count: tree.nodes[node].count)
    }

    public func text() throws(JSONDetour) -> String {
        let value = tree.nodes[node]
        guard value.kind == .text || value.kind == .escapedText else { throw JSONDetour() }
        return value.text(in: tree.bytes)
    }

    public func integer() throws(JSONDetour) -> Int {
        let value = tree.nodes[node]
        guard value.kind == .number, let number = tree.bytes.integer(value.start, value.end) else { throw JSONDetour() }
        return number
    }

    public func flag() throws(JSONDetour) -> Bool {
        let value = tree.nodes[node]
        guard value.kind == .boolean else { throw JSONDetour() }
        return tree.bytes[value.start] == UInt8(ascii: "t")
    }

    func id() throws(JSONDetour) -> UUID {
        let value = tree.nodes[node]
        guard value.kind == .text, let id = UUID(ascii: tree.bytes[value.start..<value.end]) else { throw JSONDetour() }
        return id
    }

    func date() throws(JSONDetour) -> Date {
        let value = tree.nodes[node]
        guard value.kind == .text, let date = Date(plain: tree.bytes, value.start, value.end) else { throw JSONDetour() }
        return date
    }
}

/// The fields of an object that have not been read yet.
public struct JSONFields {
    let tree: JSONTree
    /// The first field that has not been read. Fields after it may have been read, and no field is read twice.
    var place: Int
    let end: Int

    @inlinable
    public mutating func read<Value: DirectlyDecodable>(_ name: String, as _: Value.Type = Value.self) throws(JSONDetour) -> Value {
        guard let value = find(name) else { throw JSONDetour() }
        return try Value(reading: value)
    }

    /// Nil for a field that is missing or null.
    @inlinable
    public mutating func readIfPresent<Value: DirectlyDecodable>(_ name: String, as _: Value.Type = Value.self) throws(JSONDetour) -> Value? {
        guard let value = find(name), !value.isNull else { return nil }
        return try Value(reading: value)
    }

    /// The first field with this name. Most texts have their fields in the order in which they are read.
    @usableFromInline
    mutating func find(_ name: String) -> JSONPlace? {
        if place < end, tree.isName(place, name) {
            let value = place + 1
            place = tree.nodes[value].next
            return JSONPlace(tree: tree, node: value)
        }
        var other = place
        while other < end {
            if tree.isName(other, name) { return JSONPlace(tree: tree, node: other + 1) }
            other = tree.nodes[other + 1].next
        }
        return nil
    }
}

/// The elements of an array that have not been read yet.
public struct JSONElements {
    let tree: JSONTree
    var place: Int
    let end: Int
    /// The number of all elements, read or not.
    public let count: Int

    public mutating func next() -> JSONPlace? {
        guard place < end else { return nil }
        defer { place = tree.nodes[place].next }
        return JSONPlace(tree: tree, node: place)
    }
}

extension UUID: DirectlyCodable {
    public init(reading value: JSONPlace) throws(JSONDetour) { self = try value.id() }
    public func write(to json: inout JSONWriter) { json.value(self) }
}

extension Date: DirectlyCodable {
    public init(reading value: JSONPlace) throws(JSONDetour) { self = try value.date() }
    public func write(to json: inout JSONWriter) { json.value(timestamp) }
}

extension [UInt8] {
    /// The integer that is written between these places in at most 18 characters; nil for any other number.
    func integer(_ start: Int, _ end: Int) -> Int? {
        guard end - start <= 18 else { return nil }
        let isNegative = self[start] == UInt8(ascii: "-")
        var number = 0
        var place = isNegative ? start + 1 : start
        while place < end {
            guard self[place] >= UInt8(ascii: "0"), self[place] <= UInt8(ascii: "9") else { return nil }
            number = number * 10 + Int(self[place] - UInt8(ascii: "0"))
            place += 1
        }
        return isNegative ? -number : number
    }
}
