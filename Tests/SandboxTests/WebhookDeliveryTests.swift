import Foundation
import Testing

@testable import Sandbox

@Suite("Webhook delivery over HTTP")
struct WebhookDeliveryTests {
    @Test("tells every turn of a payment, signed")
    func events() async throws {
        try await WebhookReceiver.run { receiver in
            try await TestSandbox.run(configure: { $0.webhookURL = receiver.url }) { sandbox in
                func expect(_ type: String, status: String) async throws {
                    let received = try #require(try await receiver.next(1).first)
                    #expect(received.json["type"].text == type)
                    #expect(received.json["object"].text == "event")
                    #expect(received.json["id"].text?.hasPrefix("evt_") == true)
                    #expect(received.json["data"]["object"]["status"].text == status)
                    let seconds = try #require(Int(received.signature.dropFirst(2).prefix { $0 != "," }))
                    let expected = WebhookSignature.make(Array(received.body.utf8), secret: TestSandbox.webhookSecret, at: seconds)
                    #expect(received.signature == expected)
                }
                let payment = try await sandbox.post("/v1/payment_intents", charge()).json
                try await expect("payment_intent.succeeded", status: "succeeded")
                _ = try await sandbox.post("/v1/refunds", "payment_intent=\(payment["id"].text ?? "")")
                try await expect("charge.refunded", status: "succeeded")
                _ = try await sandbox.post("/v1/payment_intents", charge(card: "pm_card_chargeDeclined"))
                try await expect("payment_intent.payment_failed", status: "requires_payment_method")
                let asked = try await sandbox.post("/v1/payment_intents", charge(card: "pm_card_authenticationRequired")).json
                try await expect("payment_intent.requires_action", status: "requires_action")
                _ = try await sandbox.post("/v1/payment_intents/\(asked["id"].text ?? "")/cancel")
                try await expect("payment_intent.canceled", status: "canceled")
            }
        }
    }

    @Test("sends an event again until it is taken")
    func retry() async throws {
        try await WebhookReceiver.run(answering: [500]) { receiver in
            try await TestSandbox.run(configure: { $0.webhookURL = receiver.url }) { sandbox in
                _ = try await sandbox.post("/v1/payment_intents", charge())
                let received = try await receiver.next(2)
                #expect(received[0].body == received[1].body)
            }
        }
    }

    @Test("sends duplicates when it is told to")
    func duplicates() async throws {
        try await WebhookReceiver.run { receiver in
            try await TestSandbox.run(configure: { $0.webhookURL = receiver.url }) { sandbox in
                try await sandbox.setFaults(#"{"duplicateWebhookRate": 1}"#)
                _ = try await sandbox.post("/v1/payment_intents", charge())
                let received = try await receiver.next(2)
                #expect(received[0].json["id"] == received[1].json["id"])
            }
        }
    }

    @Test("delivers events in another order when it is told to")
    func reordering() async throws {
        try await WebhookReceiver.run { receiver in
            try await TestSandbox.run(configure: { $0.webhookURL = receiver.url }) { sandbox in
                try await sandbox.setFaults(#"{"reorderWebhooks": true, "webhookDelayMilliseconds": {"min": 100, "max": 200}, "seed": 9}"#)
                for amount in 1...10 { _ = try await sandbox.post("/v1/payment_intents", charge(amount)) }
                let amounts = try await receiver.next(10).map { $0.json["data"]["object"]["amount"].number ?? 0 }
                #expect(amounts.sorted() == Array(1...10))
                #expect(amounts != Array(1...10))
            }
        }
    }

    @Test("goes on after a restart with what was not delivered")
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
                let received = try await receiver.next(1)
                #expect(received.first?.json["type"].text == "payment_intent.succeeded")
            }
        }
    }
}
