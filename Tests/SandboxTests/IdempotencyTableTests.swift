import Testing

@testable import Sandbox

@Suite("The idempotency table")
struct IdempotencyTableTests {
    static let key = IdempotencyKey(name: "k", endpoint: "POST /v1/payment_intents", fingerprint: "f")
    static let reply = StoredReply(status: 500, body: [1, 2])
    static let lifetime = IdempotencyTable.lifetimeSeconds

    @Test("carries the first request out and returns its reply to the same request, errors included")
    func replay() {
        var table = IdempotencyTable()
        #expect(table.claim(Self.key, at: 0) == .execute)
        table.complete(Self.key, with: Self.reply)
        #expect(table.claim(Self.key, at: 1) == .replay(Self.reply))
        #expect(table.claim(Self.key, at: Self.lifetime - 1) == .replay(Self.reply))
    }

    @Test("refuses a second request while the first is still running")
    func inUse() {
        var table = IdempotencyTable()
        #expect(table.claim(Self.key, at: 0) == .execute)
        #expect(table.claim(Self.key, at: 0) == .refuse(.keyInUse("k")))
    }

    @Test("refuses other parameters and other endpoints, running or done")
    func mismatch() {
        var table = IdempotencyTable()
        _ = table.claim(Self.key, at: 0)
        let other = IdempotencyKey(name: "k", endpoint: Self.key.endpoint, fingerprint: "g")
        let elsewhere = IdempotencyKey(name: "k", endpoint: "POST /v1/refunds", fingerprint: "f")
        for _ in 0..<2 {
            #expect(table.claim(other, at: 0) == .refuse(.keyUsedDifferently("k")))
            #expect(table.claim(elsewhere, at: 0) == .refuse(.keyUsedElsewhere("k")))
            table.complete(Self.key, with: Self.reply)
        }
    }

    @Test("knows nothing of a key that was abandoned")
    func abandoned() {
        var table = IdempotencyTable()
        _ = table.claim(Self.key, at: 0)
        table.abandon(Self.key)
        #expect(table.claim(Self.key, at: 0) == .execute)
    }

    @Test("treats a key as new after 24 hours")
    func expiry() {
        var table = IdempotencyTable()
        _ = table.claim(Self.key, at: 0)
        table.complete(Self.key, with: Self.reply)
        #expect(table.claim(Self.key, at: Self.lifetime) == .execute)
    }

    @Test("forgets old keys while new ones come")
    func pruning() {
        var table = IdempotencyTable()
        for number in 0..<5_000 {
            let key = IdempotencyKey(name: "\(number)", endpoint: "e", fingerprint: "f")
            _ = table.claim(key, at: 0)
            table.complete(key, with: Self.reply)
        }
        for number in 0..<1_000 {
            _ = table.claim(IdempotencyKey(name: "new-\(number)", endpoint: "e", fingerprint: "f"), at: Self.lifetime)
        }
        #expect(table.count == 1_000)
    }
}
