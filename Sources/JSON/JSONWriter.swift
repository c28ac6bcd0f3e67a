import FoundationEssentials
import Secrets

/// Writes JSON directly as bytes, with members in the order of the calls: for formats that others define and that have no Swift type.
///
/// The caller keeps the grammar: names only inside `object`, bare values only inside `array` or after a name. ``JSON/encode(_:)`` is for values.
public struct JSONWriter {
    public private(set) var bytes: [UInt8] = []
    private var needsComma = false

    public init(capacity: Int = 1_024) {
        bytes.reserveCapacity(capacity)
    }

    /// The bytes of one JSON object.
    public static func object(_ content: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        writer.object(content)
        return writer.bytes
    }

    @inlinable
    public mutating func object(_ content: (inout JSONWriter) throws -> Void) rethrows {
        open("{")
        try content(&self)
        close("}")
    }

    @inlinable
    public mutating func array<Elements: Sequence>(_ elements: Elements, _ content: (inout JSONWriter, Elements.Element) throws -> Void) rethrows {
        open("[")
        for element in elements { try content(&self, element) }
        close("]")
    }

    public mutating func value(_ text: String) {
        separate()
        bytes.append(quoted: text)
        needsComma = true
    }

    /// Writes a field of an object. A type writes its fields in the order of their names.
    @inlinable
    public mutating func field(_ name: String, _ value: some DirectlyEncodable) {
        appendName(name)
        value.write(to: &self)
    }

    @inlinable
    public mutating func fieldIfPresent(_ name: String, _ value: (some DirectlyEncodable)?) {
        if let value { field(name, value) }
    }

    public mutating func field(_ name: String, _ content: (inout JSONWriter) throws -> Void) rethrows {
        appendName(name)
        try content(&self)
    }

    public mutating func field(_ name: String, _ text: String?) {
        appendName(name)
        guard let text else { return null() }
        value(text)
    }

    public mutating func field(_ name: String, _ number: Int?) {
        appendName(name)
        guard let number else { return null() }
        value(number)
    }

    public mutating func field(_ name: String, _ number: Double) {
        appendName(name)
        appendLiteral(String(number))
    }

    public mutating func field(_ name: String, _ flag: Bool) {
        appendName(name)
        appendLiteral(flag ? "true" : "false")
    }

    public mutating func field(_ name: String, _ texts: [String: String]) {
        field(name) { writer in
            writer.object { writer in
                for (key, text) in texts.sorted(by: { $0.key < $1.key }) { writer.field(key, text) }
            }
        }
    }

    public mutating func value(_ number: some FixedWidthInteger) {
        separate()
        bytes.append(number: number)
        needsComma = true
    }

    public mutating func value(_ flag: Bool) {
        appendLiteral(flag ? "true" : "false")
    }

    public mutating func value(_ id: UUID) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        id.appendUpperCase(to: &bytes)
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    /// A value that has been written already.
    public mutating func raw(_ value: [UInt8]) {
        separate()
        bytes.append(contentsOf: value)
        needsComma = true
    }

    public mutating func null() {
        appendLiteral("null")
    }

    @usableFromInline
    mutating func open(_ bracket: Unicode.Scalar) {
        separate()
        bytes.append(UInt8(ascii: bracket))
        needsComma = false
    }

    @usableFromInline
    mutating func close(_ bracket: Unicode.Scalar) {
        bytes.append(UInt8(ascii: bracket))
        needsComma = true
    }

    @usableFromInline
    mutating func appendName(_ name: String) {
        separate()
        bytes.append(quoted: name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    private mutating func appendLiteral(_ text: String) {
        separate()
        bytes.append(contentsOf: text.utf8)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }
}
