import CZlib

/// Reads gzip (RFC 1952) as it comes, in steps of 16 KiB at most: memory does not depend on how much is packed.
///
/// Not for use by several tasks.
public final class GzipReader {
    /// Of what comes out at once.
    private static let step = 16_384

    /// Owned by this reader alone, and freed with it. zlib keeps its address, so it stands on the heap.
    private let stream: UnsafeMutablePointer<z_stream>
    private var input: [UInt8] = []
    private var place = 0
    /// Whether a member has ended, and no other begun.
    private var isBetween = true

    public init() throws(Gzip.Failure) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        guard wharf_inflate_init_gzip(stream) == Z_OK else {
            stream.deallocate()
            throw .malformed
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// The next packed bytes. Those before must have been read.
    public func give(_ bytes: [UInt8]) {
        input = bytes
        place = 0
    }

    /// What is packed in the bytes given, a part at a time; nil when they are used up.
    public func next() throws(Gzip.Failure) -> [UInt8]? {
        while true {
            var output = [UInt8](repeating: 0, count: Self.step)
            let (status, used, count) = input.withUnsafeBufferPointer { bytes in
                output.withUnsafeMutableBufferPointer { room in
                    let rest = UnsafeBufferPointer(rebasing: bytes[place...])
                    // zlib reads from it only.
                    stream.pointee.next_in = UnsafeMutablePointer(mutating: rest.baseAddress)
                    stream.pointee.avail_in = UInt32(clamping: rest.count)
                    stream.pointee.next_out = room.baseAddress
                    stream.pointee.avail_out = UInt32(clamping: room.count)
                    let status = rest.isEmpty && isBetween ? Z_BUF_ERROR : inflate(stream, Z_NO_FLUSH)
                    return (status, rest.count - Int(stream.pointee.avail_in), room.count - Int(stream.pointee.avail_out))
                }
            }
            place += used
            if used > 0 { isBetween = false }
            switch status {
            case Z_OK: break
            case Z_STREAM_END:
                isBetween = true
                guard inflateReset(stream) == Z_OK else { throw .malformed }
            // Nothing to do: it waits for more.
            case Z_BUF_ERROR: return nil
            default: throw .malformed
            }
            if count > 0 { return Array(output[..<count]) }
            if place == input.count, status != Z_STREAM_END { return nil }
        }
    }

    /// Throws when a member has begun and not ended.
    public func finish() throws(Gzip.Failure) {
        guard isBetween else { throw .malformed }
    }
}
