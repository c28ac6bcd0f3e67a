import Gzip
import Testing

@Suite struct GzipTests {
    /// "hello, hello, hello", as gzip 1.12 packs it.
    private static let hello: [UInt8] = [31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 203, 72, 205, 201, 201, 215, 81, 200, 64, 162, 0, 159, 161, 202, 9, 19, 0, 0, 0]
    /// 1,000,000 zeros.
    private static let zeros: [UInt8] =
        [31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 237, 193, 1, 1, 0, 0, 0, 130, 32, 255, 175, 110, 72, 64, 1] + [UInt8](repeating: 0, count: 968) + [175, 6, 158, 203, 121, 18, 64, 66, 15, 0]

    @Test func `packed bytes are unpacked unchanged`() throws {
        #expect(try Gzip.unpack(Self.hello, limit: 100) == Array("hello, hello, hello".utf8))
    }

    @Test func `consecutive members are one text`() throws {
        #expect(try Gzip.unpack(Self.hello + Self.hello, limit: 100).count == 38)
    }

    @Test func `a stream that holds more than the limit is rejected, however small it is`() {
        #expect(throws: Gzip.Failure.tooLarge) { try Gzip.unpack(Self.zeros, limit: 999_999) }
        #expect((try? Gzip.unpack(Self.zeros, limit: 1_000_000))?.count == 1_000_000)
    }

    @Test func `every truncated or changed stream is malformed`() {
        for count in Self.hello.indices {
            #expect(throws: Gzip.Failure.malformed) { try Gzip.unpack(Array(Self.hello.prefix(count)), limit: 100) }
        }
        // Time, packer and system say nothing of the content.
        for place in Self.hello.indices where !(4...9).contains(place) {
            var changed = Self.hello
            changed[place] ^= 0x10
            #expect(throws: Gzip.Failure.malformed, "byte \(place)") { try Gzip.unpack(changed, limit: 100) }
        }
        #expect(throws: Gzip.Failure.malformed) { try Gzip.unpack(Self.hello + [0], limit: 100) }
    }
}

@Suite struct `Gzip as it comes` {
    private static let hello: [UInt8] = [31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 203, 72, 205, 201, 201, 215, 81, 200, 64, 162, 0, 159, 161, 202, 9, 19, 0, 0, 0]
    private static let zeros: [UInt8] =
        [31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 237, 193, 1, 1, 0, 0, 0, 130, 32, 255, 175, 110, 72, 64, 1] + [UInt8](repeating: 0, count: 968) + [175, 6, 158, 203, 121, 18, 64, 66, 15, 0]

    private func read(_ pieces: [[UInt8]]) throws -> [UInt8] {
        let reader = try GzipReader()
        var text: [UInt8] = []
        for piece in pieces {
            reader.give(piece)
            while let part = try reader.next() {
                #expect(part.count <= 16_384)
                text += part
            }
        }
        try reader.finish()
        return text
    }

    @Test func `wherever the bytes are cut, what was packed comes back`() throws {
        for cut in 0...Self.hello.count {
            #expect(try read([Array(Self.hello[..<cut]), Array(Self.hello[cut...]) + Self.hello]) == Array("hello, hello, hellohello, hello, hello".utf8))
        }
        #expect(try read([Self.zeros]).count == 1_000_000)
        #expect(try read([]) == [])
    }

    @Test func `what is cut short or changed is malformed`() {
        for count in 1..<Self.hello.count { #expect(throws: Gzip.Failure.malformed) { try read([Array(Self.hello.prefix(count))]) } }
        #expect(throws: Gzip.Failure.malformed) { try read([Self.hello + [7]]) }
    }
}
