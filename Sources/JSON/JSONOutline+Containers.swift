import FoundationEssentials
import Secrets

/// Takes what one value encodes of itself.
struct JSONEntryWriter: Encoder, SingleValueEncodingContainer {
    let holder: JSONOutline.Holder
    let place: Int

    var codingPath: [any CodingKey] { holder.outline.path(to: place) }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy: Key.Type) -> KeyedEncodingContainer<Key> {
        holder.outline.openObject(place)
        return KeyedEncodingContainer(JSONObjectWriter<Key>(holder: holder, place: place))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        holder.outline.openArray(place)
        return JSONArrayWriter(holder: holder, place: place)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    func encodeNil() { holder.outline.encodeNil(at: place) }
    func encode(_ flag: Bool) { holder.outline.encode(flag, at: place) }
    func encode(_ text: String) { holder.outline.encode(text, at: place) }
    func encode(_ number: some FixedWidthInteger & Encodable) { holder.outline.encode(number, at: place) }
    func encode(number: JSONNumber) { holder.outline.encode(literal: number.text, at: place) }
    func encode(_ number: some BinaryFloatingPoint & CustomStringConvertible & Encodable) throws { try holder.outline.encode(real: number, at: place) }
    func encode<Value: Encodable>(_ value: Value) throws {
        // Without this, these two would use Foundation's formatters, and a date would be a number.
        if Value.self == UUID.self, let id = value as? UUID {
            encode(id.upperCaseText)
        } else if Value.self == Date.self, let date = value as? Date {
            encode(date.timestamp)
        } else {
            try value.encode(to: self)
        }
    }
}

/// Takes the fields of an object.
struct JSONObjectWriter<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let holder: JSONOutline.Holder
    let place: Int

    var codingPath: [any CodingKey] { holder.outline.path(to: place) }

    private func entry(_ key: Key) -> Int { holder.outline.add(key.stringValue, to: place) }

    func encodeNil(forKey key: Key) { holder.outline.encodeNil(at: entry(key)) }
    func encode(_ flag: Bool, forKey key: Key) { holder.outline.encode(flag, at: entry(key)) }
    func encode(_ text: String, forKey key: Key) { holder.outline.encode(text, at: entry(key)) }
    func encode(_ number: some FixedWidthInteger & Encodable, forKey key: Key) { holder.outline.encode(number, at: entry(key)) }
    func encode(_ number: some BinaryFloatingPoint & CustomStringConvertible & Encodable, forKey key: Key) throws {
        try holder.outline.encode(real: number, at: entry(key))
    }
    func encode(_ value: some Encodable, forKey key: Key) throws { try JSONEntryWriter(holder: holder, place: entry(key)).encode(value) }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) -> KeyedEncodingContainer<Nested> {
        JSONEntryWriter(holder: holder, place: entry(key)).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        JSONEntryWriter(holder: holder, place: entry(key)).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { JSONEntryWriter(holder: holder, place: holder.outline.add("super", to: place)) }
    func superEncoder(forKey key: Key) -> any Encoder { JSONEntryWriter(holder: holder, place: entry(key)) }
}

/// Takes the elements of an array.
struct JSONArrayWriter: UnkeyedEncodingContainer {
    let holder: JSONOutline.Holder
    let place: Int

    var codingPath: [any CodingKey] { holder.outline.path(to: place) }
    var count: Int { holder.outline.count(of: place) }

    private func entry() -> Int { holder.outline.add(to: place) }

    func encodeNil() { holder.outline.encodeNil(at: entry()) }
    func encode(_ flag: Bool) { holder.outline.encode(flag, at: entry()) }
    func encode(_ text: String) { holder.outline.encode(text, at: entry()) }
    func encode(_ number: some FixedWidthInteger & Encodable) { holder.outline.encode(number, at: entry()) }
    func encode(_ number: some BinaryFloatingPoint & CustomStringConvertible & Encodable) throws { try holder.outline.encode(real: number, at: entry()) }
    func encode(_ value: some Encodable) throws { try JSONEntryWriter(holder: holder, place: entry()).encode(value) }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        JSONEntryWriter(holder: holder, place: entry()).container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { JSONEntryWriter(holder: holder, place: entry()).unkeyedContainer() }
    func superEncoder() -> any Encoder { JSONEntryWriter(holder: holder, place: entry()) }
}
