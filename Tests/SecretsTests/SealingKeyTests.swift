import Secrets
import Testing

@Suite struct SealingKeyTests {
    private let key = SealingKey(derivedFrom: "a secret", for: "tests")
    private let message = Array(#"{"password": "correct horse battery staple"}"#.utf8)

    @Test(arguments: [0, 1, 15, 16, 17, 100_000])
    func `a sealed message is opened again`(count: Int) throws {
        let message = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        let sealed = try key.seal(message, context: Array("users.sessions.create".utf8))
        #expect(sealed.count == count + 28)
        #expect(key.open(sealed, context: Array("users.sessions.create".utf8)) == message)
    }

    @Test func `sealed text shows nothing of the message, and differs each time`() throws {
        let (first, second) = (try key.seal(message, context: []), try key.seal(message, context: []))
        #expect(first != second)
        #expect(!String(decoding: first, as: UTF8.self).contains("horse"))
    }

    @Test func `another key, another context and any change are detected`() throws {
        let sealed = try key.seal(message, context: [1])
        #expect(SealingKey(derivedFrom: "a secret", for: "others").open(sealed, context: [1]) == nil)
        #expect(SealingKey(derivedFrom: "another secret", for: "tests").open(sealed, context: [1]) == nil)
        #expect(key.open(sealed, context: [2]) == nil)
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            #expect(key.open(changed, context: [1]) == nil)
        }
        for count in 0..<sealed.count { #expect(key.open(Array(sealed.prefix(count)), context: [1]) == nil) }
    }

    @Test func `a key is encoded as its bytes, and other lengths are rejected`() {
        #expect(SealingKey(bytes: key.bytes) == key)
        #expect(SealingKey(bytes: Array(key.bytes.dropLast())) == nil)
        #expect(SealingKey(derivedFrom: "", for: "tests") != key)
    }
}
