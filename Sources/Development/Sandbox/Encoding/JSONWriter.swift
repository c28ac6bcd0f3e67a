/// Writes JSON straight into bytes: every reply, webhook and journal line is made once and sent as it is.
///
/// The caller keeps the grammar: names only inside `object`, bare values only inside `array` or after a name.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    private var needsComma = false

    init(capacity: Int = 1_024) {
        bytes.reserveCapacity(capacity)
    }

    /// The bytes of one JSON object.
    static func object(_ content: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        writer.object(content)
        return writer.bytes
    }

    mutating func object(_ content: (inout JSONWriter) -> Void) {
        open("{")
        content(&self)
        close("}")
    }

    mutating func array<Elements: Sequence>(_ elements: Elements, _ content: (inout JSONWriter, Elements.Element) -> Void) {
        open("[")
        for element in elements { content(&self, element) }
        close("]")
    }

    mutating func value(_ text: String) {
        separate()
        appendQuoted(text)
        needsComma = true
    }

    mutating func field(_ name: String, _ content: (inout JSONWriter) -> Void) {
        appendName(name)
        content(&self)
    }

    mutating func field(_ name: String, _ text: String?) {
        appendName(name)
        guard let text else { return null() }
        value(text)
    }

    mutating func field(_ name: String, _ number: Int?) {
        appendName(name)
        guard let number else { return null() }
        value(number)
    }

    mutating func field(_ name: String, _ number: Double) {
        appendName(name)
        appendLiteral(String(number))
    }

    mutating func field(_ name: String, _ flag: Bool) {
        appendName(name)
        appendLiteral(flag ? "true" : "false")
    }

    mutating func field(_ name: String, _ texts: [String: String]) {
        field(name) { writer in
            writer.object { writer in
                for (key, text) in texts.sorted(by: { $0.key < $1.key }) { writer.field(key, text) }
            }
        }
    }

    mutating func value(_ number: some BinaryInteger) {
        appendLiteral(String(number))
    }

    /// A value that has been written already.
    mutating func raw(_ value: [UInt8]) {
        separate()
        bytes.append(contentsOf: value)
        needsComma = true
    }

    mutating func null() {
        appendLiteral("null")
    }

    private mutating func open(_ bracket: Unicode.Scalar) {
        separate()
        bytes.append(UInt8(ascii: bracket))
        needsComma = false
    }

    private mutating func close(_ bracket: Unicode.Scalar) {
        bytes.append(UInt8(ascii: bracket))
        needsComma = true
    }

    private mutating func appendName(_ name: String) {
        separate()
        appendQuoted(name)
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

    private mutating func appendQuoted(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0..<0x20:
                bytes.append(contentsOf: "\\u00".utf8)
                bytes.append(Self.digits[Int(byte >> 4)])
                bytes.append(Self.digits[Int(byte & 15)])
            default:
                bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static let digits = Array("0123456789abcdef".utf8)
}
