import FoundationEssentials
import Secrets
import TestKit
import Testing

@Suite struct RandomAndIdentifierTests {
    private let dns = UUID(uuidString: "6ba7b810-9dad-11d1-80b4-00c04fd430c8")

    @Test func `a token has 256 bits and is never repeated`() {
        let tokens = (0..<1_000).map { _ in SecureRandom.token() }
        #expect(Set(tokens).count == tokens.count)
        #expect(tokens.allSatisfy { $0.utf8.count == 43 && Base64URL.decode($0)?.count == SecureRandom.tokenBytes })
    }

    @Test func `random bytes have the requested length`() throws {
        #expect(try SecureRandom.bytes(0).isEmpty)
        #expect(try SecureRandom.bytes(7).count == 7)
        #expect(try SecureRandom.bytes(32) != SecureRandom.bytes(32))
    }

    @Test func `a name has the same UUID as in other implementations`() throws {
        let dns = try #require(dns)
        #expect(UUID.v5(namespace: dns, name: "www.example.com") == UUID(uuidString: "2ed6657d-e927-568b-95e1-2665a8aea6a2"))
        #expect(UUID.v5(namespace: dns, name: "") == UUID(uuidString: "4ebd0208-8328-5d69-8c44-ec50939c0967"))
    }

    @Test func `ten thousand names take less than a second of a processor`() throws {
        let dns = try #require(dns)
        let time = processorTime {
            for index in 0..<10_000 { _ = UUID.v5(namespace: dns, name: String(index)) }
        }
        #expect(time < .seconds(1))
    }

    @Test func `a name's UUID at a time begins with the time, is the same each time, and returns the time`() throws {
        let dns = try #require(dns)
        let time = Date(timeIntervalSince1970: 1_645_557_742.123)
        let id = UUID.v8(at: time, namespace: dns, name: "www.example.com")
        // The rest is that of version 5: 2ed6657d-e927-568b-95e1-2665a8aea6a2.
        #expect(id == UUID(uuidString: "017f22e2-7a2b-868b-95e1-2665a8aea6a2"))
        #expect(UUID.v8(at: time, namespace: dns, name: "www.example.org") != id)
        #expect(id.time.map { ($0.timeIntervalSince1970 * 1000).rounded() } == 1_645_557_742_123)
        #expect(id < UUID.v8(at: time.addingTimeInterval(0.001), namespace: dns, name: ""))
    }

    @Test func `a random UUID at a time keeps its random bits`() throws {
        let random = try #require(UUID(uuidString: "ffffffff-ffff-4abc-bdef-0123456789ab"))
        // The time of RFC 9562's example.
        let id = UUID.v7(at: Date(timeIntervalSince1970: 1_645_557_742), random: random)
        #expect(id == UUID(uuidString: "017f22e2-79b0-7abc-bdef-0123456789ab"))
        #expect(random.time == nil)
    }

    @Test(arguments: [-1, 0, 1e300, .infinity, .nan]) func `times that a UUID cannot hold are clamped`(_ seconds: Double) throws {
        let id = UUID.v7(at: Date(timeIntervalSince1970: seconds), random: try #require(dns))
        #expect(id.time.map { $0.timeIntervalSince1970 } == (seconds > 0 ? 281_474_976_710.655 : 0))
    }

    @Test func `given random bytes make a version 4 UUID`() {
        let id = UUID.v4(randomBytes: [UInt8](repeating: 0xFF, count: 16))
        #expect(id == UUID(uuidString: "ffffffff-ffff-4fff-bfff-ffffffffffff"))
        #expect(UUID.v4(randomBytes: [UInt8](repeating: 0, count: 15)) == nil)
        #expect(UUID.v4(randomBytes: [UInt8](repeating: 0, count: 17)) == nil)
    }
}
