import FoundationEssentials
import JSON
import LocalServers
import Logging
import Messaging
import Operations
import PostgreSQL
import Secrets
import TestKit
import Testing
import Topology
import WebClient

@testable import Audit
@testable import Bench
@testable import LocalState
@testable import ShopClient
@testable import Terminal
@testable import Up

extension System {
    /// `wharf audit` beside the running system: a consistent shop is reported as clean, and tampered data is reported with its id.
    @Suite struct `Audits` {
        private func audit(since: Date? = nil) async throws -> AuditReport {
            try await RunningWharf.get().audit(since: since)
        }

        /// The present violations that were not in `before`; other violations are not allowed.
        private func violations(after before: AuditReport, of invariant: Invariant) async throws -> [Finding] {
            let known = Set(before.rows.flatMap(\.named))
            // The change is older than the grace before it is reported.
            var found: [Finding] = []
            try await eventually("A violation of \(invariant)") {
                found = try await audit().rows.flatMap(\.named).filter { !known.contains($0) }
                return !found.isEmpty
            }
            #expect(found.allSatisfy { $0.invariant == invariant }, "\(found)")
            return found
        }

        /// The owner of a schema changes it behind Wharf's back.
        private func tamper(_ service: String, _ sql: SQL) async throws {
            let rows = try await SystemDatabase.with(service) { try await $0.execute(sql) }
            #expect(rows > 0, "nothing was changed")
        }

        private func confirmedOrder(_ sku: String) async throws -> String {
            let guest = try Visitor.guest()
            let answer = try await guest.checkout(try await guest.newCart(sku, quantity: 2))
            #expect(answer["order", "state"] == "confirmed")
            _ = try await guest.order(at: answer.header("location"), after: "payment succeeded")
            return try #require(answer["order", "id"]?.text)
        }

        @Test func `an open shop in which orders were confirmed and rejected is clean`() async throws {
            let admin = try Visitor.admin()
            let sku = try await admin.newProduct(stock: 6)
            let guest = try Visitor.guest()
            var carts: [String] = []
            for _ in 0..<5 { carts.append(try await guest.newCart(sku, quantity: 2)) }
            _ = try await guest.checkout(try await guest.newCart(sku), paying: "pm_card_chargeDeclined")
            async let orders = together(carts) { try await guest.checkout($0) }
            let during = try await audit()
            #expect(during.isClean, "\(during.text(Paint(isColoured: false)))")
            let states = try await orders.compactMap { $0["order", "state"]?.text }.sorted()
            #expect(states == ["confirmed", "confirmed", "confirmed", "rejected", "rejected"])
            let after = try await audit()
            #expect(after.isClean, "\(after.text(Paint(isColoured: false)))")
            #expect(after.notes == [])
            for row in after.rows { #expect(row.checked >= 6, "\(row.title)") }
            let recent = try await audit(since: Date().addingTimeInterval(60))
            #expect(recent.rows.first { $0.invariant == .deadlines }?.checked == 0)
        }

        @Test func `the command reports a clean shop by its exit status, and by JSON`() async throws {
            let wharf = try RunningWharf.get()
            let (text, status) = try await wharf.run(["audit", "--grace", "\(RunningWharf.auditGrace)"])
            #expect(status == .exited(0), "\(text)")
            #expect(text.contains("Nothing is violated."))
            let (json, second) = try await wharf.run(["audit", "--grace", "\(RunningWharf.auditGrace)", "--json"])
            #expect(second == .exited(0), "\(json)")
            let report = try JSON.decode(JSONValue.self, from: Array(json.utf8))
            #expect(report["rows"]?.list.count == Invariant.allCases.count)
        }

        @Test func `a second capture, a missing inbox row, stock changed by hand, a second notification and a lost saga are each reported with the id`() async throws {
            let admin = try Visitor.admin()
            let sku = try await admin.newProduct(price: 1_250, stock: 10)
            let order = try await confirmedOrder(sku)
            let clean = try await audit()
            #expect(clean.isClean, "\(clean.text(Paint(isColoured: false)))")

            try await tamper("catalog", "UPDATE stock SET on_hand = on_hand + 1 WHERE sku = \(sku)")
            #expect(try await violations(after: clean, of: .stock).map(\.subject) == ["SKU \(sku)"])
            try await tamper("catalog", "UPDATE stock SET on_hand = on_hand - 1 WHERE sku = \(sku)")

            let id = try #require(UUID(uuidString: order))
            try await tamper(
                "notifications",
                """
                INSERT INTO notifications (id, order_id, kind, channel, recipient, result, created_at)
                SELECT gen_random_uuid(), order_id, kind, channel, recipient, result, created_at FROM notifications WHERE order_id = \(id)
                """)
            #expect(try await violations(after: clean, of: .notifications).map(\.subject) == ["order \(order)"])
            try await tamper(
                "notifications",
                "DELETE FROM notifications WHERE id = (SELECT id FROM notifications WHERE order_id = \(id) ORDER BY sent_at DESC LIMIT 1)")

            let forgotten = try await forgetCharge(of: id)
            let lost = try await violations(after: clean, of: .messages)
            #expect(lost.map(\.subject) == ["message \(forgotten.text)"])
            #expect(lost.first?.sentence.contains("payments.charge, sent by catalog") == true)
            try await tamper(
                "payments", "INSERT INTO inbox (message_id, fingerprint, outputs, at) VALUES (\(forgotten), '\\x00', '[]', now())")

            try await tamper("orders", "UPDATE checkouts SET phase = 'charging', due_at = NULL WHERE order_id = \(id)")
            #expect(try await violations(after: clean, of: .deadlines).map(\.subject) == ["order \(order)"])
            try await tamper("orders", "UPDATE checkouts SET phase = 'confirmed' WHERE order_id = \(id)")

            try await tamper("orders", "UPDATE orders SET total = total + 1 WHERE id = \(id)")
            let dearer = try await anyViolations(after: clean)
            #expect(Set(dearer.map(\.subject)) == ["order \(order)"])
            #expect(Set(dearer.map(\.invariant)) == [.contents, .payments])
            try await tamper("orders", "UPDATE orders SET total = total - 1 WHERE id = \(id)")

            try await captureAgain(order)
            let twice = try await violations(after: clean, of: .payments)
            #expect(twice.map(\.subject) == ["order \(order)"])
            #expect(twice.first?.sentence.contains("was charged 2 times") == true)
            let (text, status) = try await RunningWharf.get().run(["audit", "--grace", "\(RunningWharf.auditGrace)"])
            #expect(status == .exited(1))
            #expect(text.contains(order))
        }

        private func anyViolations(after before: AuditReport) async throws -> [Finding] {
            let known = Set(before.rows.flatMap(\.named))
            var found: [Finding] = []
            try await eventually("A violation") {
                found = try await audit().rows.flatMap(\.named).filter { !known.contains($0) }
                return !found.isEmpty
            }
            return found
        }

        /// Removes the handling of an order's charge from the payment service's inbox.
        private func forgetCharge(of order: UUID) async throws -> UUID {
            let (input, recorded): (UUID, Date) = try await SystemDatabase.with("catalog") { connection in
                let rows = try await connection.query(
                    "SELECT message_id, at FROM inbox WHERE outputs -> 0 ->> 'key' = 'payments.charge' AND outputs::text LIKE '%' || \(order.uuidString) || '%'")
                let row = try #require(rows.first)
                return (try row.decode("message_id"), try row.decode("at"))
            }
            let charge = UUID.v8(at: recorded, namespace: input, name: "0")
            try await tamper("payments", "DELETE FROM inbox WHERE message_id = \(charge)")
            return charge
        }

        private func captureAgain(_ order: String) async throws {
            let wharf = try RunningWharf.get()
            let fields = "amount=2500&currency=eur&confirm=true&payment_method=pm_card_visa&payment_method_types[]=card&metadata[order_id]=\(order)"
            let key = try wharf.secrets.stripeAPIKey
            let response = try await wharf.web.send(
                WebRequest(
                    method: "POST", url: "\(wharf.sandboxURL)/v1/payment_intents",
                    headers: [("authorization", "Bearer \(key)"), ("content-type", "application/x-www-form-urlencoded")], body: Array(fields.utf8)))
            #expect(response.status == 200)
        }
    }
}

extension RunningWharf {
    /// Seconds; tests have one clock and a shop with little to do.
    static let auditGrace = 2.0

    func audit(since: Date? = nil) async throws -> AuditReport {
        let target = AuditTarget(
            settings, definitions: try Definitions(contentsOf: "\(Self.repository())/topology/definitions.json"), sandbox: sandboxURL, transport: web)
        let quiet = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }
        return try await Audit.run(target, AuditOptions(grace: Self.auditGrace, since: since), clock: SystemClock(), logger: quiet)
    }

    /// A command of the executable, run beside it; its output, and how it ended.
    func run(_ arguments: [String]) async throws -> (output: String, exit: ManagedProcess.ExitStatus?) {
        let workingFolder = URL(filePath: folder.path).deletingLastPathComponent().path
        let log = "\(workingFolder)/command-\(UUID().uuidString).log"
        defer { try? FileManager.default.removeItem(atPath: log) }
        let process = ManagedProcess(
            name: "wharf", command: ProcessCommand(Self.executable, arguments, inheritsEnvironment: false, workingFolder: workingFolder),
            output: .file(log))
        try await process.start()
        let status = await process.exit
        return ((try? Data(contentsOf: URL(filePath: log))).map { String(decoding: $0, as: UTF8.self) } ?? "", status)
    }
}
