import CZlib

/// Reads gzip (RFC 1952).
public enum Gzip {
    public enum Failure: Error, Equatable {
        /// The bytes are not gzip, their check sum is wrong, or the end is missing.
        case malformed
        /// The output is larger than the limit.
        case tooLarge
    }

    /// The output buffer grows by this much at a time.
    private static let step = 16_384

    /// The decompressed contents of `bytes`: all members, one after the other.
    ///
    /// - Parameter limit: Bytes of the result; a stream that holds more is abandoned there, however small it is itself.
    public static func unpack(_ bytes: [UInt8], limit: Int) throws(Failure) -> [UInt8] {
        var stream = z_stream()
        guard wharf_inflate_init_gzip(&stream) == Z_OK else { throw .malformed }
        defer { inflateEnd(&stream) }
        let unpacked: Result<[UInt8], Failure> = bytes.withUnsafeBufferPointer { input in
            // zlib reads from it only.
            stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.avail_in = UInt32(clamping: input.count)
            return Result { () throws(Failure) in try inflateAll(&stream, limit) }
        }
        return try unpacked.get()
    }

    private static func inflateAll(_ stream: inout z_stream, _ limit: Int) throws(Failure) -> [UInt8] {
        var output: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: step)
        while true {
            let (status, count) = piece.withUnsafeMutableBufferPointer { room in
                stream.next_out = room.baseAddress
                stream.avail_out = UInt32(clamping: room.count)
                let status = inflate(&stream, Z_NO_FLUSH)
                return (status, room.count - Int(stream.avail_out))
            }
            guard output.count + count <= limit else { throw .tooLarge }
            output += piece[..<count]
            switch status {
            case Z_OK: continue
            case Z_STREAM_END:
                guard stream.avail_in > 0 else { return output }
                guard inflateReset(&stream) == Z_OK else { throw .malformed }
            // Also a stream that ends too early, for which zlib has nothing left to do.
            default: throw .malformed
            }
        }
    }
}
