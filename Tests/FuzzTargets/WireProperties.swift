import CRabbitMQ

@testable import AMQP

/// Header frames as a broker passes them on from any publisher: librabbitmq's decoder, and then ours.
enum WireProperties {
    /// AMQP's class `basic`.
    private static let basicClass: UInt16 = 60
    private static let pageBytes = 4_096

    static func decode(_ bytes: [UInt8]) {
        unsafe withUnsafeTemporaryAllocation(of: amqp_pool_t.self, capacity: 1) { pools in
            guard let pool = pools.baseAddress else { return }
            unsafe init_amqp_pool(pool, pageBytes)
            defer { unsafe empty_amqp_pool(pool) }
            var copy = bytes
            unsafe copy.withUnsafeMutableBytes { buffer in
                var decoded: UnsafeMutableRawPointer?
                let encoded = unsafe amqp_bytes_t(len: buffer.count, bytes: buffer.baseAddress)
                guard unsafe amqp_decode_properties(basicClass, pool, encoded, &decoded) >= 0, let decoded = unsafe decoded else { return }
                let raw = unsafe decoded.assumingMemoryBound(to: amqp_basic_properties_t.self).pointee
                let properties = unsafe Properties(raw)
                precondition(properties.headers.values.allSatisfy { depth(of: $0) <= FieldValue.maximumDepth }, "nested too deep")
                assemble(properties, bytes)
            }
        }
    }

    /// Its own bytes as a body, in two pieces, under a length that may be any.
    private static func assemble(_ properties: Properties, _ bytes: [UInt8]) {
        var assembly = MessageAssembly(generation: 1)
        let size = bytes.prefix(2).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        _ = try? assembly.begin(.delivery(number: 1, exchange: "", routingKey: "", redelivered: false))
        _ = try? assembly.header(properties, bodySize: size)
        for piece in [bytes.prefix(bytes.count / 2), bytes.suffix(bytes.count - bytes.count / 2)] {
            unsafe piece.withUnsafeBytes { buffer in _ = unsafe try? assembly.body(buffer) }
        }
    }

    private static func depth(of value: FieldValue) -> Int {
        switch value {
        case .array(let values): 1 + (values.map(depth).max() ?? 0)
        case .table(let entries): 1 + (entries.values.map(depth).max() ?? 0)
        default: 0
        }
    }

    /// Flags, and what they announce: headers (0x2000), message id (0x0080), timestamp (0x0040), type (0x0020).
    static let seeds: [[UInt8]] = [
        [0x00, 0x00], [0x00, 0x80, 3] + Array("m-1".utf8),
        [0x20, 0x00] + table([1, 0x61, UInt8(ascii: "l"), 0, 0, 0, 0, 0, 0, 0, 7, 1, 0x62, UInt8(ascii: "S"), 0, 0, 0, 1, 0x78]),
        [0x20, 0x00] + table([1, 0x61, UInt8(ascii: "F")] + table([1, 0x62, UInt8(ascii: "A")] + table([UInt8(ascii: "t"), 1, UInt8(ascii: "V")]))),
        [0x20, 0x60] + table([1, 0x61, UInt8(ascii: "D"), 2, 0, 0, 1, 0]) + [0, 0, 0, 0, 0x66, 0, 0, 0, 1, 0x74],
    ]

    private static func table(_ entries: [UInt8]) -> [UInt8] { [0, 0, 0, UInt8(entries.count)] + entries }
}
