import Gzip
import HTTPTypes
import Hummingbird
import NIOCore

/// Reads a body, unpacks it, and gives it on in pieces of one size.
struct PieceReader: Sendable {
    let body: RequestBodyReader
    /// Of all pieces but the last one.
    let size: Int
    /// Of the body, as it comes and unpacked.
    let limit: Int
    let isPacked: Bool

    /// Returns the number of bytes, once `take` has had the last piece. Throws a ``Refusal`` for a body that is too large or no gzip.
    func read(_ take: (_ piece: [UInt8], _ place: Int) async throws -> Void) async throws -> Int {
        guard try await body.begin(limit: limit) else { return 0 }
        guard body.share.grow(to: 2 * size) else { throw Refusal.tooManyBodies }
        let gzip = isPacked ? try GzipReader() : nil
        var piece: [UInt8] = []
        var place = 0
        var received = 0
        func add(_ bytes: ArraySlice<UInt8>) async throws {
            var rest = bytes
            guard place + piece.count + rest.count <= limit else { throw Refusal.bodyTooLarge(limit: limit) }
            while !rest.isEmpty {
                let part = rest.prefix(size - piece.count)
                piece += part
                rest = rest.dropFirst(part.count)
                guard piece.count == size else { continue }
                try await take(piece, place)
                place += size
                piece.removeAll(keepingCapacity: true)
            }
        }
        do {
            for try await buffer in body.body {
                received += buffer.readableBytes
                guard received <= limit else { throw Refusal.bodyTooLarge(limit: limit) }
                let bytes = Array(buffer.readableBytesView)
                guard let gzip else {
                    try await add(bytes[...])
                    continue
                }
                gzip.give(bytes)
                while let unpacked = try gzip.next() { try await add(unpacked[...]) }
            }
            try gzip?.finish()
        } catch is Gzip.Failure {
            throw Refusal.malformedGzip.closing
        }
        try Task.checkCancellation()
        guard body.declaredLength == nil || body.declaredLength == received else {
            throw Refusal.badRequest("The body is shorter than its Content-Length.").closing
        }
        if !piece.isEmpty { try await take(piece, place) }
        return place + piece.count
    }
}
