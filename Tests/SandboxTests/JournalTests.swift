import Foundation
import Testing

@testable import Sandbox

@Suite("The journal")
struct JournalTests {
    static func temporaryPath() -> String {
        FileManager.default.temporaryDirectory.appendingPathComponent("sandbox-\(UUID().uuidString).ndjson").path
    }

    /// One outcome of every kind.
    static func outcomes() -> [Outcome] {
        var book = PaymentBook()
        var outcomes: [Outcome] = []
        func apply(_ command: PaymentCommand) -> Outcome {
            let outcome = book.apply(command, idempotencyKey: "key \"1\"", now: 1_700_000_000)
            outcomes.append(outcome)
            return outcome
        }
        let customer = apply(.createCustomer(.init(email: "ada@wharf.example", metadata: .init(values: ["a": "b"])))).customer?.id
        let method = apply(.createMethod(.visa, .init())).methods.first?.id ?? ""
        _ = apply(.attach(method: method, customer: customer ?? ""))
        for card in TestCard.allCases {
            _ = apply(
                .create(
                    PaymentDraft(
                        amount: 500, currency: "eur", paymentMethod: card.rawValue, customer: customer, description: "line\nbreak",
                        metadata: ["order_id": "é"], paymentMethodTypes: ["card", "sepa_debit"], returnURL: "https://shop.test", confirm: true)))
        }
        let manual = apply(
            .create(PaymentDraft(amount: 500, currency: "eur", captureMethod: .manual, paymentMethod: "pm_card_visa", confirm: true)))
        let id = manual.payment?.id ?? ""
        _ = apply(.capture(id: id, amount: 400))
        _ = apply(.refund(RefundDraft(paymentIntent: id, amount: 100, reason: .duplicate, metadata: ["why": "test"])))
        _ = apply(.cancel(id: id, nil))
        let open = apply(.create(PaymentDraft(amount: 500, currency: "eur")))
        _ = apply(.cancel(id: open.payment?.id ?? "", .fraudulent))
        _ = apply(.confirm(id: "pi_none", .init()))
        var terms = PaymentIntent.Terms()
        (terms.receiptEmail, terms.automaticMethods, terms.shipping) = ("a@b.example", true, ["name": "Ada", "address][city": "London"])
        _ = apply(.create(PaymentDraft(amount: 500, currency: "eur", paymentMethod: "pm_card_visa", customer: customer, confirm: true, terms: terms)))
        _ = apply(.detach(method: method))
        _ = apply(.deleteCustomer(id: customer ?? ""))
        outcomes.append(.failure(.serverError))
        return outcomes
    }

    @Test("restores every outcome as it was, and the same replies")
    func roundTrip() throws {
        let key = IdempotencyKey(name: "k", endpoint: "POST /v1/refunds", fingerprint: "f")
        for outcome in Self.outcomes() {
            let line = JournalEntry.outcome(outcome, key: key, at: 9).line
            let entry = try JSONDecoder().decode(JournalEntry.self, from: Data(line))
            #expect(entry == .outcome(outcome, key: key, at: 9))
            guard case .outcome(let restored, _, _) = entry else { continue }
            #expect(restored.storedReply(publicURL: "http://s") == outcome.storedReply(publicURL: "http://s"))
            #expect(restored.webhookBodies(publicURL: "http://s").map(\.body) == outcome.webhookBodies(publicURL: "http://s").map(\.body))
        }
        let old =
            #"{"reply": "failure", "error": {"status": 402, "type": "card_error", "message": "m", "shows_payment": true}, "#
            + #""event": {"id": "evt_1", "type": "payment_intent.payment_failed", "created": 5}, "at": 9}"#
        guard case .outcome(let restored, _, _) = try JSONDecoder().decode(JournalEntry.self, from: Data(old.utf8)) else {
            return #expect(Bool(false), "an entry of an earlier version is no outcome")
        }
        #expect(restored.events.map(\.id) == ["evt_1"])
        let settled = JournalEntry.settled(eventID: "evt_1")
        #expect(try JSONDecoder().decode(JournalEntry.self, from: Data(settled.line)) == settled)
    }

    @Test("leaves a torn last line out, and overwrites it")
    func tornLine() async throws {
        let path = Self.temporaryPath()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let whole = JournalEntry.settled(eventID: "evt_1").line
        try Data(whole + JournalEntry.settled(eventID: "evt_torn").line.dropLast(4)).write(to: URL(fileURLWithPath: path))

        let journal = Journal(path: path)
        var loaded: [JournalEntry] = []
        try await journal.load { loaded.append($0) }
        #expect(loaded == [.settled(eventID: "evt_1")])

        try await withThrowingTaskGroup { group in
            group.addTask { try await journal.run() }
            try await withThrowingTaskGroup { appends in
                for number in 2...50 { appends.addTask { try await journal.append(.settled(eventID: "evt_\(number)")) } }
                try await appends.waitForAll()
            }
            group.cancelAll()
        }
        await #expect(throws: Journal.Closed.self) { try await journal.append(.settled(eventID: "late")) }

        var again: Set<String> = []
        try await Journal(path: path).load { if case .settled(let id) = $0 { again.insert(id) } }
        #expect(again == Set((1...50).map { "evt_\($0)" }))
    }

    @Test("refuses a file that is not a ledger, naming the line")
    func garbage() async throws {
        let path = Self.temporaryPath()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(JournalEntry.settled(eventID: "evt_1").line + Array("not json\n".utf8)).write(to: URL(fileURLWithPath: path))
        let error = await #expect(throws: SandboxError.self) { try await Journal(path: path).load { _ in } }
        #expect(error?.code == .journalUnreadable)
        #expect(error?.message.contains("Line 2") == true)
    }

    @Test("that cannot be written stops the service with its path")
    func unwritable() async {
        let journal = Journal(path: "/nowhere/at/all.ndjson")
        let error = await #expect(throws: SandboxError.self) { try await journal.run() }
        #expect(error?.code == .journalUnwritable)
        await #expect(throws: Journal.Closed.self) { try await journal.append(.settled(eventID: "e")) }
    }
}
