import Foundation
import Synchronization
import TestKit
import Testing

@testable import Sandbox

/// Refunds that end later, and disputes, as Stripe documents its test cards.
@Suite(.timeLimit(.minutes(1))) struct MoneyBackTests {
    private func pay(_ sandbox: TestSandbox, _ card: String) async throws -> String {
        try await sandbox.post("/v1/payment_intents", SandboxTests.charge(card: card)).json["id"].text ?? ""
    }

    /// The charge of the payment, with its refunds.
    private func charge(of payment: String, _ sandbox: TestSandbox) async throws -> JSON {
        try await sandbox.get("/v1/payment_intents/\(payment)?expand[]=latest_charge&expand[]=latest_charge.refunds").json["latest_charge"]
    }

    @Test func `a refund of pm_card_refundFail succeeds first, and fails some time later`() async throws {
        let ahead = Mutex(0.0)
        try await WebhookReceiver.run { receiver in
            try await TestSandbox.run(now: { Date() + ahead.withLock { $0 } }, configure: { $0.webhookURL = receiver.url }) { sandbox in
                let id = try await pay(sandbox, "pm_card_refundFail")
                _ = try await receiver.next(4)
                let refund = try await sandbox.post("/v1/refunds", "payment_intent=\(id)&amount=300&metadata[refund_id]=r1").json
                #expect(refund["status"].text == "succeeded")
                _ = try await receiver.next(2)
                #expect(try await charge(of: id, sandbox)["amount_refunded"].number == 300)
                ahead.withLock { $0 = Double(PaymentBook.refundDelay + 1) }
                let types = try await receiver.next(3).map { ($0.json["type"].text ?? "", $0.json["data"]["object"]["status"].text ?? "") }
                #expect(Dictionary(types) { first, _ in first } == ["refund.failed": "failed", "refund.updated": "failed", "charge.refund.updated": "failed"])
                let after = try await charge(of: id, sandbox)
                #expect(after["amount_refunded"].number == 0)
                #expect(after["refunds"]["data"].list.first?["failure_reason"].text == "expired_or_canceled_card")
                #expect(after["refunds"]["data"].list.first?["metadata"]["refund_id"].text == "r1")
            }
        }
    }

    @Test func `a refund of pm_card_pendingRefund is pending and counts, and succeeds some time later`() async throws {
        let ahead = Mutex(0.0)
        try await WebhookReceiver.run { receiver in
            try await TestSandbox.run(now: { Date() + ahead.withLock { $0 } }, configure: { $0.webhookURL = receiver.url }) { sandbox in
                let id = try await pay(sandbox, "pm_card_pendingRefund")
                #expect(try await sandbox.post("/v1/refunds", "payment_intent=\(id)").json["status"].text == "pending")
                #expect(try await charge(of: id, sandbox)["amount_refunded"].number == 1_000)
                _ = try await receiver.next(6)
                ahead.withLock { $0 = Double(PaymentBook.refundDelay + 1) }
                #expect(Set(try await receiver.next(2).map { $0.json["type"].text }) == ["refund.updated", "charge.refund.updated"])
                #expect(try await sandbox.get("/v1/refunds?payment_intent=\(id)").json["data"].list.map { $0["status"].text } == ["succeeded"])
            }
        }
    }

    @Test func `a refund whose end is still to come survives a restart`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let ahead = Mutex(0.0)
        let id = Mutex("")
        for isSecond in [false, true] {
            try await TestSandbox.run(now: { Date() + ahead.withLock { $0 } }, configure: { $0.ledgerFile = folder.appending(path: "ledger").path }) { sandbox in
                guard isSecond else {
                    let payment = try await pay(sandbox, "pm_card_refundFail")
                    _ = try await sandbox.post("/v1/refunds", "payment_intent=\(payment)")
                    return id.withLock { $0 = payment }
                }
                ahead.withLock { $0 = Double(PaymentBook.refundDelay + 1) }
                let payment = id.withLock { $0 }
                try await eventually("the end of the refund") { try await charge(of: payment, sandbox)["amount_refunded"].number == 0 }
            }
        }
    }

    @Test func `a dispute is opened with the charge, and forbids refunds until it is won`() async throws {
        try await WebhookReceiver.run { receiver in
            try await TestSandbox.run(configure: { $0.webhookURL = receiver.url }) { sandbox in
                let id = try await pay(sandbox, "pm_card_createDispute")
                let types = try await receiver.next(6).map { $0.json["type"].text ?? "" }
                #expect(Set(types).isSuperset(of: ["charge.dispute.created", "charge.dispute.funds_withdrawn"]))
                let dispute = try await sandbox.get("/v1/disputes?payment_intent=\(id)").json["data"].list.first
                #expect(dispute?["status"].text == "needs_response" && dispute?["amount"].number == 1_000)
                #expect(try await sandbox.post("/v1/refunds", "payment_intent=\(id)").error["code"].text == "charge_disputed")
                let path = "/v1/disputes/\(dispute?["id"].text ?? "")"
                #expect(try await sandbox.post(path, "evidence[uncategorized_text]=winning_evidence").json["status"].text == "won")
                #expect(Set(try await receiver.next(2).map { $0.json["type"].text }) == ["charge.dispute.closed", "charge.dispute.funds_reinstated"])
                #expect(try await sandbox.post("\(path)/close").status == 400, "it is closed")
                #expect(try await sandbox.post("/v1/refunds", "payment_intent=\(id)").status == 200)
                #expect(try await charge(of: id, sandbox)["disputed"].flag == true, "it was, once")
            }
        }
    }

    @Test func `missed events are listed from either end and by type`() async throws {
        try await TestSandbox.run { sandbox in
            for _ in 1...2 { _ = try await pay(sandbox, "pm_card_visa") }
            func ids(_ query: String) async throws -> [String] {
                try await sandbox.get("/v1/events?\(query)").json["data"].list.compactMap { $0["id"].text }
            }
            let all = try await ids("limit=100")
            #expect(all.count == 8)
            #expect(try await ids("limit=3&starting_after=\(all[1])") == Array(all[2..<5]))
            #expect(try await ids("limit=3&ending_before=\(all[6])") == Array(all[3..<6]))
            #expect(try await ids("type=payment_intent.succeeded").count == 2)
            #expect(try await sandbox.get("/v1/events?ending_before=evt_none").status == 400)
            let one = try await sandbox.get("/v1/events/\(all[0])").json
            #expect(one["id"].text == all[0] && one["data"]["object"]["object"].text == "charge")
        }
    }

    @Test func `an accepted dispute is lost`() async throws {
        try await TestSandbox.run { sandbox in
            let id = try await pay(sandbox, "pm_card_createDispute")
            #expect(try await sandbox.post("/v1/disputes/dp_\(id)/close").json["status"].text == "lost")
            #expect(try await sandbox.post("/v1/refunds", "payment_intent=\(id)").error["code"].text == "charge_disputed")
            #expect(try await sandbox.get("/v1/disputes/dp_nothing").status == 404)
            #expect(try await sandbox.get("/v1/disputes?payment_intent=pi_nothing").json["data"].list.isEmpty)
        }
    }
}
