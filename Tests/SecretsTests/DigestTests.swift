import Secrets
import Testing

@Suite struct DigestTests {
    @Test func `SHA-256 gives the published digests`() {
        #expect(SHA256.hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(SHA256.hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(SHA256.hex([UInt8](repeating: 0x61, count: 1_000_000)) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    @Test func `HMAC gives the codes of RFC 4231`() {
        let first = HMACSHA256.authenticate(Array("Hi There".utf8), key: [UInt8](repeating: 0x0B, count: 20))
        #expect(Hex.encode(first) == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
        let second = HMACSHA256.authenticate(Array("what do ya want for nothing?".utf8), key: Array("Jefe".utf8))
        #expect(Hex.encode(second) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        let longKey = HMACSHA256.authenticate(
            Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8), key: [UInt8](repeating: 0xAA, count: 131))
        #expect(Hex.encode(longKey) == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    }

    @Test func `HMAC takes an empty key and an empty message`() {
        #expect(Hex.encode(HMACSHA256.authenticate([], key: [])) == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
    }

    @Test func `a code is valid for its message and key only`() {
        let key = Array("key".utf8)
        var code = HMACSHA256.authenticate([1, 2, 3], key: key)
        #expect(HMACSHA256.isValid(code, for: [1, 2, 3], key: key))
        #expect(!HMACSHA256.isValid(code, for: [1, 2, 4], key: key))
        #expect(!HMACSHA256.isValid(Array(code.dropLast()), for: [1, 2, 3], key: key))
        code[31] ^= 1
        #expect(!HMACSHA256.isValid(code, for: [1, 2, 3], key: key))
    }

    @Test func `constant-time comparison agrees with equality`() {
        #expect(constantTimeEquals([], []))
        #expect(constantTimeEquals([1, 2], [1, 2]))
        #expect(!constantTimeEquals([1, 2], [1, 3]))
        #expect(!constantTimeEquals([1, 2], [1, 2, 3]))
        #expect(!constantTimeEquals([], [0]))
    }
}
