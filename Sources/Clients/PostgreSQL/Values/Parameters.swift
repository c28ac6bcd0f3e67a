import CPostgreSQL

/// The values of one statement, one after the other in one buffer, as libpq takes them.
struct Parameters: Sendable, Equatable {
    /// PostgreSQL refuses a message past 1 GiB.
    static let maximumBytes = 1 << 30

    private var encoder = PostgresEncoder()
    /// Where each value's length stands; its bytes follow.
    private var offsets: [Int] = []
    private(set) var types: [Oid] = []

    var count: Int { offsets.count }
    var byteCount: Int { encoder.bytes.count }

    mutating func append<Value: PostgresEncodable>(_ value: Value) {
        offsets.append(encoder.bytes.count)
        types.append(Value.sqlType.rawValue)
        value.encode(to: &encoder)
    }

    mutating func append(contentsOf other: Parameters) {
        let shift = encoder.bytes.count
        encoder.append(contentsOf: other.encoder.bytes)
        offsets.append(contentsOf: other.offsets.map { $0 + shift })
        types.append(contentsOf: other.types)
    }

    /// Lends the values in the shape that PQsendQueryPrepared and PQsendQueryParams take.
    func withArrays<Result>(
        _ body: (
            _ values: UnsafePointer<UnsafePointer<CChar>?>?, _ lengths: UnsafePointer<Int32>?, _ formats: UnsafePointer<Int32>?
        ) -> Result
    ) -> Result {
        guard count > 0 else { return body(nil, nil, nil) }
        return encoder.bytes.withUnsafeBytes { bytes in
            var values: [UnsafePointer<CChar>?] = []
            var lengths: [Int32] = []
            values.reserveCapacity(count)
            lengths.reserveCapacity(count)
            for offset in offsets {
                let length = Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self))
                let start = bytes.baseAddress.map { ($0 + offset + 4).assumingMemoryBound(to: CChar.self) }
                values.append(length < 0 ? nil : start)
                lengths.append(max(length, 0))
            }
            return body(values, lengths, [Int32](repeating: Format.binary, count: count))
        }
    }
}

/// How a value is written on the wire.
enum Format {
    static let binary: Int32 = 1
}
