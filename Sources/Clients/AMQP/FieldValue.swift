/// A value in a message's header table.
///
/// Numbers of every width that other clients send arrive as ``integer(_:)`` or ``double(_:)``; an unsigned integer past
/// `Int64.max` is clamped. Text that is not UTF-8 arrives as ``bytes(_:)``.
public enum FieldValue: Hashable, Sendable {
    case string(String)
    case integer(Int64)
    /// NaN and infinities are not sent: RabbitMQ cannot read them.
    case double(Double)
    case boolean(Bool)
    case bytes([UInt8])
    /// Seconds since 1970.
    case timestamp(Int64)
    case array([FieldValue])
    case table([String: FieldValue])
    case null

    /// How deep arrays and tables may nest. Deeper ones are not sent; received ones are cut there and marked with ``tooDeep``.
    public static let maximumDepth = 16

    /// What stands in the place of a received value that lies below ``maximumDepth``.
    public static let tooDeep = FieldValue.string("<nested too deep>")
}

extension FieldValue {
    /// The text of a ``string(_:)``.
    public var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The number of an ``integer(_:)`` or a ``timestamp(_:)``.
    public var integer: Int64? {
        switch self {
        case .integer(let value), .timestamp(let value): value
        default: nil
        }
    }
}

extension FieldValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(booleanLiteral value: Bool) { self = .boolean(value) }
}
