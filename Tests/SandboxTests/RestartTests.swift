import Foundation
import Testing

@testable import Sandbox

@Suite("A restarted sandbox")
struct RestartTests {
    @Test("knows every payment, refund and idempotency key")
    func restart() async throws {
        let path = JournalTests.temporaryPath()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let before = JSONBox()
        try await TestSandbox.run(configure: { $0.ledgerFile = path }) { sandbox in
            try await withThrowingTaskGroup { group in
                for number in 0..<100 {
                    group.addTask {
                        let reply = try await sandbox.post(
                            "/v1/payment_intents", charge(number + 100, order: "o-\(number)"), idempotencyKey: "k-\(number)")
                        let id = reply.json["id"].text ?? ""
                        if number.isMultiple(of: 3) {
                            _ = try await sandbox.post("/v1/refunds", "payment_intent=\(id)", idempotencyKey: "r-\(number)")
                        }
                    }
                }
                try await group.waitForAll()
            }
            await before.set(try await sandbox.get("/_ledger").json)
        }
        try await TestSandbox.run(configure: { $0.ledgerFile = path }) { sandbox in
            let after = try await sandbox.get("/_ledger").json
            let known = await before.json
            #expect(after["totals"] == known["totals"])
            #expect(after["payments"].list.count == 100)
            for payment in known["payments"].list { #expect(after["payments"].list.contains(payment)) }

            let again = try await sandbox.post("/v1/payment_intents", charge(107, order: "o-7"), idempotencyKey: "k-7")
            #expect(again.header("Idempotent-Replayed") == "true")
            #expect(again.json["amount"].number == 107)
            #expect(try await sandbox.post("/v1/payment_intents", charge(108, order: "o-7"), idempotencyKey: "k-7").status == 400)
            let id = again.json["id"].text ?? ""
            #expect(try await sandbox.post("/v1/refunds", "payment_intent=\(id)").status == 200)
        }
    }

    @Test("with a wrong setting does not start, and names it")
    func configuration() async {
        for (configure, name) in [
            ({ $0.port = 70_000 }, "port"), ({ $0.apiKey = "" }, "apiKey"), ({ $0.webhookSecret = "" }, "webhookSecret"),
            ({ $0.webhookURL = "ftp://x" }, "webhookURL"), ({ $0.latency = .seconds(-1) }, "latency"),
        ] as [((inout SandboxConfiguration) -> Void, String)] {
            let error = await #expect(throws: SandboxError.self) { try await TestSandbox.run(configure: configure) { _ in } }
            #expect(error?.message.hasPrefix(name) == true)
        }
    }
}

actor JSONBox {
    private(set) var json = JSON.null

    func set(_ json: JSON) {
        self.json = json
    }
}
