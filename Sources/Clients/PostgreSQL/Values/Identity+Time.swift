public import FoundationEssentials

extension UUID: PostgresEncodable, PostgresDecodable, PostgresArrayEncodable, PostgresArrayDecodable {
    public static var sqlType: SQLType { .uuid }
    public static var arraySQLType: SQLType { .uuidArray }

    public func encode(to encoder: inout PostgresEncoder) {
        encoder.encode { encoder in
            withUnsafeBytes(of: uuid) { encoder.append(contentsOf: $0) }
        }
    }

    public init(cell: PostgresCell) throws(PostgresError) {
        let bytes = try cell.content(for: UUID.self)
        guard cell.type == .uuid, bytes.count == MemoryLayout<uuid_t>.size else { throw cell.mismatch(UUID.self) }
        self.init(uuid: bytes.loadUnaligned(as: uuid_t.self))
    }
}

/// A point in time: `timestamptz`, to the microsecond. Times past what the type can hold become `infinity` or `-infinity`, which are read as
/// `distantFuture` and `distantPast`; a date that is not a number becomes NULL. `timestamp` without time zone is not a point in time, and is not read.
extension Date: PostgresEncodable, PostgresDecodable, PostgresArrayEncodable, PostgresArrayDecodable {
    public static var sqlType: SQLType { .timestamptz }
    public static var arraySQLType: SQLType { .timestamptzArray }

    /// PostgreSQL counts from 2000-01-01, Foundation from 2001-01-01.
    private static let microsecondsBetweenEpochs: Int64 = 366 * 86_400 * 1_000_000
    /// 4713 BC to 294276 AD, as PostgreSQL has it.
    private static let representable: ClosedRange<Int64> = -211_813_488_000_000_000...9_223_371_331_199_999_999

    public func encode(to encoder: inout PostgresEncoder) {
        guard !timeIntervalSinceReferenceDate.isNaN else { return encoder.encodeNull() }
        let microseconds = (timeIntervalSinceReferenceDate * 1_000_000).rounded()
        let (sum, overflow) = (Int64(exactly: microseconds) ?? (microseconds < 0 ? .min : .max))
            .addingReportingOverflow(Self.microsecondsBetweenEpochs)
        let inRange = !overflow && Self.representable.contains(sum)
        encoder.encode(integer: inRange ? sum : microseconds < 0 ? .min : .max)
    }

    public init(cell: PostgresCell) throws(PostgresError) {
        let bytes = try cell.content(for: Date.self)
        guard cell.type == .timestamptz else { throw cell.mismatch(Date.self) }
        switch try cell.integer(at: 0, of: bytes, as: Int64.self) {
        case .max: self = .distantFuture
        case .min: self = .distantPast
        case let microseconds:
            self.init(timeIntervalSinceReferenceDate: Double(microseconds &- Self.microsecondsBetweenEpochs) / 1_000_000)
        }
    }
}
