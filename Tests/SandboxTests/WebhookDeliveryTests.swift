import Foundation
import Testing

@testable import Sandbox

@Suite("Webhook delivery over HTTP")
struct WebhookDeliveryTests {
    @Test("sends every change of a payment, signed")
    func events() async throws {
        try await WebhookReceiver.run { receiver in
            try await TestSandbox.run(configure: { $0.webhookURL = receiver.url }) { sandbox in
                /// Deliveries run side by side, so those of one request may arrive in any order.
                func expect(_ expected: [String: String]) async throws {
                    let received = try await receiver.next(expected.count)
                    let states = received.map { ($0.json["type"].text ?? "", $0.json["data"]["object"]["status"].text ?? "") }
                    #expect(Dictionary(states, uniquingKeysWith: { first, _ in first }) == expected)
                    for event in received {
                        #expect(event.json["object"].text == "event")
                        #expect(event.json["id"].text?.hasPrefix("evt_") == true)
                        let seconds = try #require(Int(event.signature.dropFirst(2).prefix { $0 != "," }))
                        #expect(event.signature == WebhookSignature.make(Array(event.body.utf8), secret: TestSandbox.webhookSecret, at: seconds))
                    }
                }
                let created = ["payment_intent.created": "requires_payment_method"]
                let paid = ["charge.succeeded": "succeeded", "payment_intent.succeeded": "succeeded", "charge.updated": "succeeded"]
                let payment = try await sandbox.post("/v1/payment_intents", charge()).json
                try await expect(created.merging(paid) { $1 })
                _ = try await sandbox.post("/v1/refunds", "payment_intent=\(payment["id"].text ?? "")")
                try await expect(["refund.created": "succeeded", "charge.refunded": "succeeded"])
                _ = try await sandbox.post("/v1/payment_intents", charge(card: "pm_card_chargeDeclined"))
                try await expect(
                    created.merging(["charge.failed": "failed", "payment_intent.payment_failed": "requires_payment_method"]) { $1 })
                let asked = try await sandbox.post("/v1/payment_intents", charge(card: "pm_card_authenticationRequired")).json
                try await expect(created.merging(["payment_intent.requires_action": "requires_action"]) { $1 })
                _ = try await sandbox.post("/v1/payment_intents/\(asked["id"].text ?? "")/cancel")
                try await expect(["payment_intent.canceled": "canceled"])
            }
        }
    }

    @Test("sends only the selected events, if any are selected")
    func selection() async throws {
        try await WebhookReceiver.run { receiver in
            try await TestSandbox.run(configure: { ($0.webhookURL, $0.webhookEvents) = (receiver.url, ["payment_intent.succeeded", "payment_intent.canceled"]) }) { sandbox in
                for amount in 1...3 { _ = try await sandbox.post("/v1/payment_intents", charge(amount * 100)) }
                #expect(Set(try await receiver.next(3).map { $0.json["type"].text }) == ["payment_intent.succeeded"])
            }
        }
    }

    @Test("sends an event again until it is accepted")
    func retry() async throws {
        try await WebhookReceiver.run(answering: [500]) { receiver in
            try await TestSandbox.run(configure: { $0.webhookURL = receiver.url }) { sandbox in
                _ = try await sandbox.post("/v1/payment_intents", charge())
                // Of four events one is refused at first.
                let bodies = try await receiver.next(5).map(\.body)
                #expect(Set(bodies).count == 4)
            }
        }
    }

    @Test("sends duplicates when configured to")
    func duplicates() async throws {
        try await WebhookReceiver.run { receiver in
            try await TestSandbox.run(configure: { $0.webhookURL = receiver.url }) { sandbox in
                try await sandbox.setFaults(#"{"duplicateWebhookRate": 1}"#)
                _ = try await sandbox.post("/v1/payment_intents", charge())
                let ids = try await receiver.next(8).map { $0.json["id"].text }
                #expect(Set(ids).count == 4)
            }
        }
    }

    @Test("delivers events in another order when configured to")
    func reordering() async throws {
        try await WebhookReceiver.run { receiver in
            try await TestSandbox.run(configure: { $0.webhookURL = receiver.url }) { sandbox in
                try await sandbox.setFaults(#"{"reorderWebhooks": true, "webhookDelayMilliseconds": {"min": 100, "max": 200}, "seed": 9}"#)
                for amount in 1...10 { _ = try await sandbox.post("/v1/payment_intents", charge(amount * 100)) }
                let amounts = try await receiver.next(40).filter { $0.json["type"].text == "payment_intent.succeeded" }
                    .map { $0.json["data"]["object"]["amount"].number ?? 0 }
                #expect(amounts.sorted() == (1...10).map { $0 * 100 })
                #expect(amounts != amounts.sorted())
            }
        }
    }

    @Test("resumes undelivered events after a restart")
    func restart() async throws {
        let path = JournalTests.temporaryPath()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await TestSandbox.run(configure: {
            $0.webhookURL = "http://127.0.0.1:1/nobody"
            $0.ledgerFile = path
        }) { sandbox in _ = try await sandbox.post("/v1/payment_intents", charge()) }
        try await WebhookReceiver.run { receiver in
            try await TestSandbox.run(configure: {
                $0.webhookURL = receiver.url
                $0.ledgerFile = path
            }) { _ in
                let received = try await receiver.next(4)
                #expect(received.contains { $0.json["type"].text == "payment_intent.succeeded" })
            }
        }
    }
}
