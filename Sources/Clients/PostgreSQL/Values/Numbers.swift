extension PostgresCell {
    fileprivate func wholeNumber<Integer: FixedWidthInteger>(as asked: Integer.Type) throws(PostgresError) -> Integer {
        let bytes = try content(for: asked)
        let value: Int64 =
            switch type {
            case .int8: try integer(at: 0, of: bytes)
            case .int4: Int64(try integer(at: 0, of: bytes, as: Int32.self))
            case .int2: Int64(try integer(at: 0, of: bytes, as: Int16.self))
            case .oid: Int64(try integer(at: 0, of: bytes, as: UInt32.self))
            case .numeric: try numeric(of: bytes).wholeNumber(for: asked, in: self)
            default: throw mismatch(asked)
            }
        guard let number = Integer(exactly: value) else { throw mismatch(asked, "\(value) does not fit") }
        return number
    }

    fileprivate func numeric(of bytes: UnsafeRawBufferPointer) throws(PostgresError) -> Numeric {
        let count = Int(try integer(at: 0, of: bytes, as: Int16.self))
        let weight = Int(try integer(at: 2, of: bytes, as: Int16.self))
        let sign = try integer(at: 4, of: bytes, as: UInt16.self)
        var digits: [Int64] = []
        for index in 0..<max(count, 0) {
            digits.append(Int64(try integer(at: 8 + 2 * index, of: bytes, as: Int16.self)))
        }
        return Numeric(digits: digits, weight: weight, sign: sign)
    }
}

/// `numeric` as it is sent: digits to the base 10,000, the first of them worth `10_000 ^ weight`.
private struct Numeric {
    static let negative: UInt16 = 0x4000
    static let notANumber: UInt16 = 0xC000
    static let infinity: UInt16 = 0xD000
    static let negativeInfinity: UInt16 = 0xF000

    let digits: [Int64]
    let weight: Int
    let sign: UInt16

    func wholeNumber(for asked: Any.Type, in cell: PostgresCell) throws(PostgresError) -> Int64 {
        guard sign == 0 || sign == Self.negative else { throw cell.mismatch(asked, "it is not finite") }
        var value: Int64 = 0
        for index in 0..<max(digits.count, weight + 1) {
            let digit = index < digits.count ? digits[index] : 0
            if index > weight {
                guard digit == 0 else { throw cell.mismatch(asked, "it has a fraction") }
                continue
            }
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 10_000)
            let (sum, carry) = shifted.addingReportingOverflow(sign == Self.negative ? -digit : digit)
            guard !overflow, !carry else { throw cell.mismatch(asked, "it does not fit") }
            value = sum
        }
        return value
    }

    var double: Double? {
        switch sign {
        case Self.notANumber: return .nan
        case Self.infinity: return .infinity
        case Self.negativeInfinity: return -.infinity
        default:
            // Through decimal text, which rounds once and correctly.
            let padded = digits.map { digit in
                let text = String(digit)
                return String(repeating: "0", count: max(4 - text.count, 0)) + text
            }
            let text = (sign == Self.negative ? "-0" : "0") + padded.joined() + "e\(4 * (weight - digits.count + 1))"
            return Double(text)
        }
    }
}

extension PostgresEncodable where Self: FixedWidthInteger {
    public func encode(to encoder: inout PostgresEncoder) {
        encoder.encode(integer: self)
    }
}

extension PostgresDecodable where Self: FixedWidthInteger {
    public init(cell: PostgresCell) throws(PostgresError) {
        self = try cell.wholeNumber(as: Self.self)
    }
}

extension Int: PostgresEncodable, PostgresDecodable, PostgresArrayEncodable, PostgresArrayDecodable {
    public static var sqlType: SQLType { .int8 }
    public static var arraySQLType: SQLType { .int8Array }
}

extension Int64: PostgresEncodable, PostgresDecodable, PostgresArrayEncodable, PostgresArrayDecodable {
    public static var sqlType: SQLType { .int8 }
    public static var arraySQLType: SQLType { .int8Array }
}

extension Int32: PostgresEncodable, PostgresDecodable, PostgresArrayEncodable, PostgresArrayDecodable {
    public static var sqlType: SQLType { .int4 }
    public static var arraySQLType: SQLType { .int4Array }
}

extension Int16: PostgresEncodable, PostgresDecodable, PostgresArrayEncodable, PostgresArrayDecodable {
    public static var sqlType: SQLType { .int2 }
    public static var arraySQLType: SQLType { .int2Array }
}

extension Double: PostgresEncodable, PostgresDecodable, PostgresArrayEncodable, PostgresArrayDecodable {
    public static var sqlType: SQLType { .float8 }
    public static var arraySQLType: SQLType { .float8Array }

    public func encode(to encoder: inout PostgresEncoder) {
        encoder.encode(integer: bitPattern)
    }

    public init(cell: PostgresCell) throws(PostgresError) {
        let bytes = try cell.content(for: Double.self)
        switch cell.type {
        case .float8: self.init(bitPattern: try cell.integer(at: 0, of: bytes))
        case .float4: self.init(Float(bitPattern: try cell.integer(at: 0, of: bytes)))
        case .numeric:
            guard let value = try cell.numeric(of: bytes).double else { throw cell.mismatch(Double.self) }
            self = value
        default: throw cell.mismatch(Double.self)
        }
    }
}

extension Bool: PostgresEncodable, PostgresDecodable, PostgresArrayEncodable, PostgresArrayDecodable {
    public static var sqlType: SQLType { .bool }
    public static var arraySQLType: SQLType { .boolArray }

    public func encode(to encoder: inout PostgresEncoder) {
        encoder.encode(integer: UInt8(self ? 1 : 0))
    }

    public init(cell: PostgresCell) throws(PostgresError) {
        let bytes = try cell.content(for: Bool.self)
        guard cell.type == .bool else { throw cell.mismatch(Bool.self) }
        self = try cell.integer(at: 0, of: bytes, as: UInt8.self) != 0
    }
}
