import FoundationEssentials
import Synchronization
import Testing
import WebClient

@testable import Sandbox

@Suite("Idempotency over HTTP")
struct IdempotencyTests {
    @Test("returns the same reply to the same request, declines included, and says so")
    func replay() async throws {
        try await TestSandbox.run { sandbox in
            for card in ["pm_card_visa", "pm_card_chargeDeclined", "pm_card_unheardOf"] {
                let first = try await sandbox.post("/v1/payment_intents", charge(card: card), idempotencyKey: card)
                let second = try await sandbox.post("/v1/payment_intents", charge(card: card), idempotencyKey: card)
                #expect(first.header("Idempotent-Replayed") == nil)
                #expect(second.header("Idempotent-Replayed") == "true")
                #expect(second.header("Idempotency-Key") == card)
                #expect(first.status == second.status)
                #expect(first.text == second.text)
            }
            #expect(try await sandbox.get("/_ledger/totals").json["intents"].number == 2)
        }
    }

    @Test("refuses the same key for other parameters, another endpoint, or when it is too long")
    func misuse() async throws {
        try await TestSandbox.run { sandbox in
            _ = try await sandbox.post("/v1/payment_intents", charge(100), idempotencyKey: "k")
            for (path, form, key) in [
                ("/v1/payment_intents", charge(200), "k"), ("/v1/refunds", "payment_intent=pi_1", "k"),
                ("/v1/payment_intents", charge(), String(repeating: "k", count: 256)),
            ] {
                let reply = try await sandbox.post(path, form, idempotencyKey: key)
                #expect(reply.status == 400)
                #expect(reply.error["type"].text == "idempotency_error")
            }
        }
    }

    @Test("does not keep refusals that precede the request's execution")
    func notKept() async throws {
        try await TestSandbox.run { sandbox in
            let refused = try await sandbox.post("/v1/payment_intents", "amount=100&currency=eur&a=b", idempotencyKey: "k")
            #expect(refused.status == 400)
            let corrected = try await sandbox.post("/v1/payment_intents", "amount=100&currency=eur", idempotencyKey: "k")
            #expect(corrected.status == 200)
        }
    }

    @Test("charges once when twenty send the same at once")
    func concurrent() async throws {
        try await TestSandbox.run(configure: { $0.latency = .milliseconds(200) }) { sandbox in
            let replies = try await withThrowingTaskGroup { group in
                for _ in 0..<20 {
                    group.addTask { try await sandbox.post("/v1/payment_intents", charge(), idempotencyKey: "same") }
                }
                return try await group.reduce(into: [Reply]()) { $0.append($1) }
            }
            #expect(replies.count { $0.status == 200 && $0.header("Idempotent-Replayed") == nil } == 1)
            for reply in replies where reply.status != 200 {
                #expect(reply.status == 409)
                #expect(reply.error["code"].text == "idempotency_key_in_use")
            }
            #expect(replies.contains { $0.status == 409 })
            #expect(try await sandbox.get("/_ledger/totals").json["intents"].number == 1)
        }
    }

    @Test("forgets a key after 24 hours")
    func expiry() async throws {
        let now = ManualClock()
        try await TestSandbox.run(now: { now.date }) { sandbox in
            let first = try await sandbox.post("/v1/payment_intents", charge(), idempotencyKey: "k")
            now.advance(by: 24 * 60 * 60)
            let second = try await sandbox.post("/v1/payment_intents", charge(), idempotencyKey: "k")
            #expect(second.status == 200)
            #expect(first.json["id"] != second.json["id"])
        }
    }
}

/// A clock that stands still until a test moves it.
final class ManualClock: Sendable {
    private let current = Mutex(Date(timeIntervalSince1970: 1_700_000_000))

    var date: Date { current.withLock { $0 } }

    func advance(by seconds: Double) {
        current.withLock { $0 += seconds }
    }
}
