import Testing
import WebClient

@testable import Sandbox

@Suite("Injected faults")
struct FaultInjectionTests {
    @Test("a connection dropped after charging: the retry with the same key returns the payment that was made")
    func dropAfterCharging() async throws {
        try await TestSandbox.run { sandbox in
            try await sandbox.setFaults(#"{"dropAfterChargingRate": 1}"#)
            let error = await #expect(throws: WebClientError.self) {
                try await sandbox.post("/v1/payment_intents", charge(), idempotencyKey: "k")
            }
            #expect(error?.requestMayHaveBeenSent == true)
            let ledger = try await sandbox.get("/_ledger").json
            #expect(ledger["totals"]["succeeded"].number == 1)
            let retried = try await sandbox.post("/v1/payment_intents", charge(), idempotencyKey: "k")
            #expect(retried.header("Idempotent-Replayed") == "true")
            #expect(retried.json["id"].text == ledger["payments"].list.first?["id"].text)
        }
    }

    @Test("a connection dropped before charging: nothing was done, and the retry is carried out")
    func dropBefore() async throws {
        try await TestSandbox.run { sandbox in
            try await sandbox.setFaults(#"{"dropBeforeRate": 1}"#)
            await #expect(throws: WebClientError.self) { try await sandbox.post("/v1/payment_intents", charge(), idempotencyKey: "k") }
            #expect(try await sandbox.operate("DELETE", "/_faults").status == 204)
            let retried = try await sandbox.post("/v1/payment_intents", charge(), idempotencyKey: "k")
            #expect(retried.status == 200)
            #expect(retried.header("Idempotent-Replayed") == nil)
        }
    }

    @Test("a 500 is kept under its key, whether the charge was made or not")
    func serverError() async throws {
        try await TestSandbox.run { sandbox in
            try await sandbox.setFaults(#"{"error500Rate": 1, "seed": 2}"#)
            for number in 0..<20 {
                let first = try await sandbox.post("/v1/payment_intents", charge(order: "o-\(number)"), idempotencyKey: "k-\(number)")
                #expect(first.status == 500)
                #expect(first.error["type"].text == "api_error")
            }
            _ = try await sandbox.operate("DELETE", "/_faults")
            for number in 0..<20 {
                let again = try await sandbox.post("/v1/payment_intents", charge(order: "o-\(number)"), idempotencyKey: "k-\(number)")
                #expect(again.status == 500)
                #expect(again.header("Idempotent-Replayed") == "true")
            }
            let made = try await sandbox.get("/_ledger/totals").json["succeeded"].number ?? 0
            #expect((1..<20).contains(made))
        }
    }

    @Test("429 and 409 come before anything is done, and are not kept", arguments: [("rateLimitRate", 429), ("conflictRate", 409)])
    func refusals(rate: String, status: Int) async throws {
        try await TestSandbox.run { sandbox in
            try await sandbox.setFaults(#"{"\#(rate)": 1}"#)
            #expect(try await sandbox.post("/v1/payment_intents", charge(), idempotencyKey: "k").status == status)
            _ = try await sandbox.operate("DELETE", "/_faults")
            #expect(try await sandbox.post("/v1/payment_intents", charge(), idempotencyKey: "k").status == 200)
        }
    }

    @Test("latency delays every answer")
    func latency() async throws {
        try await TestSandbox.run { sandbox in
            try await sandbox.setFaults(#"{"latencyMilliseconds": {"min": 300, "max": 300}}"#)
            let start = ContinuousClock.now
            #expect(try await sandbox.post("/v1/payment_intents", charge()).status == 200)
            #expect(ContinuousClock.now - start >= .milliseconds(300))
            #expect(try await sandbox.operate("GET", "/_faults").json["latencyMilliseconds"]["max"].number == 300)
        }
    }
}
