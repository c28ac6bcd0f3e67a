/// A number of the client's own, kept as text: `1546130668394913822`, `0.10` and `1e-400` come back unchanged. Numbers used in calculations
/// are `Int` instead.
public struct JSONNumber: Sendable, Hashable {
    /// As RFC 8259 writes numbers.
    public let text: String

    /// The text of a number that has been read, or written, as JSON.
    init(checked text: String) {
        self.text = text
    }

    /// Characters of its text, and powers of ten that its last digit may be away from 1. PostgreSQL's `numeric` writes out as many digits, and
    /// has room for 16,383 behind the point.
    public static let maximumMagnitude = 1_000

    /// Whether databases and clients that support decimal numbers can hold it.
    public var isPlausible: Bool {
        guard text.utf8.count <= Self.maximumMagnitude else { return false }
        let parts = DecimalText(Array(text.utf8))
        return parts.exponent.map { (-Self.maximumMagnitude...Self.maximumMagnitude).contains($0) } ?? false
    }
}

extension JSONNumber: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: Int) { self.init(checked: String(value)) }
}

extension JSONNumber: Codable {
    /// Wharf's own JSON keeps the text; other coders see a number with the precision of a `Double`.
    public init(from decoder: any Decoder) throws {
        if let reader = decoder as? JSONReader {
            self.init(checked: try reader.numberText())
        } else {
            self.init(checked: String(try decoder.singleValueContainer().decode(Double.self)))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        if let writer = encoder as? JSONEntryWriter {
            writer.encode(number: self)
        } else {
            var container = encoder.singleValueContainer()
            try container.encode(Double(text) ?? .nan)
        }
    }
}

/// The parts of a number as RFC 8259 writes it: `-12.50e3` is −1250 · 10^(3−2).
struct DecimalText {
    let isNegative: Bool
    /// Of the whole part and the fraction, without leading zeros.
    let digits: ArraySlice<UInt8>
    /// The power of ten that the last of `digits` stands for; nil beyond ``maximumExponent``.
    let exponent: Int?

    /// Further than any number in use, and far from where sums of exponents overflow.
    private static let maximumExponent = 1_000_000

    init(_ text: [UInt8]) {
        var rest = text[...]
        isNegative = rest.first == UInt8(ascii: "-")
        if isNegative { rest.removeFirst() }
        let mantissa = rest.prefix { $0 | 0x20 != UInt8(ascii: "e") }
        let fraction = mantissa.drop { $0 != UInt8(ascii: ".") }.dropFirst()
        digits = (mantissa.prefix { $0 != UInt8(ascii: ".") } + fraction).drop { $0 == UInt8(ascii: "0") }
        let written = Self.exponent(rest.dropFirst(mantissa.count + 1))
        exponent = written.map { $0 - fraction.count }
    }

    /// `+3`, `-003` or nothing, which is 0.
    private static func exponent(_ text: ArraySlice<UInt8>) -> Int? {
        let isNegative = text.first == UInt8(ascii: "-")
        var value = 0
        for digit in text where digit != UInt8(ascii: "-") && digit != UInt8(ascii: "+") {
            value = value * 10 + Int(digit) - 48
            if value > maximumExponent { return nil }
        }
        return isNegative ? -value : value
    }

    /// The number, if it is whole and fits: `2000.00` and `2e3` are 2000, by JSON Schema; `1999.9999999999999999` is not an integer. Never through a
    /// `Double`, which cannot distinguish the latter from 2000.
    func integer<Number: FixedWidthInteger>(_: Number.Type) -> Number? {
        guard let last = digits.lastIndex(where: { $0 != UInt8(ascii: "0") }) else { return 0 }
        let significant = digits[...last]
        guard let exponent else { return nil }
        let shift = exponent + digits.endIndex - significant.endIndex
        // No integer has more trailing zeros than bits.
        guard (0...Number.bitWidth).contains(shift) else { return nil }
        var number: Number = 0
        for digit in significant + repeatElement(UInt8(ascii: "0"), count: shift) {
            let (tens, overflow) = number.multipliedReportingOverflow(by: 10)
            let unit = Number(truncatingIfNeeded: digit - UInt8(ascii: "0"))
            let (sum, carry) = isNegative ? tens.subtractingReportingOverflow(unit) : tens.addingReportingOverflow(unit)
            guard !overflow, !carry else { return nil }
            number = sum
        }
        return number
    }
}
