/// Writes CSV by RFC 4180.
struct CSVWriter {
    static let contentType = "text/csv; charset=utf-8"

    private(set) var bytes: [UInt8] = []

    mutating func add(_ fields: [String]) {
        for (place, field) in fields.enumerated() {
            if place > 0 { bytes.append(UInt8(ascii: ",")) }
            add(field)
        }
        bytes.append(contentsOf: [0x0D, 0x0A])
    }

    private mutating func add(_ field: String) {
        let needsQuotes = field.utf8.contains { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") || $0 == 0x0D || $0 == 0x0A }
        guard needsQuotes || field.first?.isWhitespace == true || field.last?.isWhitespace == true else { return bytes.append(contentsOf: field.utf8) }
        bytes.append(UInt8(ascii: "\""))
        for byte in field.utf8 {
            if byte == UInt8(ascii: "\"") { bytes.append(byte) }
            bytes.append(byte)
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
