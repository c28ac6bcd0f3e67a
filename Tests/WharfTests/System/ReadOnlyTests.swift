import Foundation
import Logging
import Messaging
import Operations
import PostgreSQL
import TestKit
import Testing

@testable import Assembly
@testable import wharf

extension System {
    /// PostgreSQL runs and accepts no writes, like a former primary that has become a standby.
    @Suite struct `A read-only database` {
        private static let outage = Duration.seconds(10)
        /// A message climbs the ladder for this long; a letter that arrives meanwhile would be one that should have waited.
        private static let settledWithin = Duration.seconds(60)

        @Test func `it leaves no dead letter, sign-ins are answered, and every accepted order settles afterwards`() async throws {
            let admin = try Visitor.admin()
            let sku = try await admin.newProduct(stock: 10_000)
            let (customer, email) = try await Visitor.customer()
            let before = try await letters(admin)
            try await readOnly(true)
            let answers: [(signIn: Int, checkout: Answer)]
            do {
                let end = ContinuousClock.now + Self.outage
                answers = try await withThrowingTaskGroup(of: [(signIn: Int, checkout: Answer)].self) { group in
                    for _ in 0..<4 {
                        group.addTask {
                            var answers: [(signIn: Int, checkout: Answer)] = []
                            while ContinuousClock.now < end {
                                let cart = try await customer.post("/v1/carts")["id"]?.text
                                if let cart { _ = try await customer.put("/v1/carts/\(cart)/items/\(sku)", #"{"quantity": 1}"#) }
                                answers.append((try await customer.signIn(email).status, try await customer.checkout(cart ?? UUID().uuidString, wait: nil)))
                            }
                            return answers
                        }
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }
            } catch {
                try await readOnly(false)
                throw error
            }
            try await readOnly(false)
            #expect(answers.allSatisfy { [201, 429, 503, 504].contains($0.signIn) }, "\(answers.map(\.signIn))")
            #expect(answers.contains { [503, 504].contains($0.signIn) })
            try await eventually("Writes go through again") { try await customer.signIn(email).status == 201 }
            for (_, checkout) in answers where checkout.status == 202 {
                _ = try await customer.order(at: checkout.header("location"), in: "confirmed")
            }
            try await eventually("No order is pending", within: Self.settledWithin) {
                try await SystemDatabase.with("orders") { connection in
                    try await connection.query("SELECT 1 FROM checkouts WHERE phase NOT IN ('confirmed', 'rejected', 'cancelled', 'awaitingCustomer')").isEmpty
                }
            }
            let new = try await letters(admin).subtracting(before)
            #expect(new.isEmpty, "\(new)")
        }

        private func letters(_ admin: Visitor) async throws -> Set<String> {
            let items = try await admin.get("/v1/dead-letters?limit=100&state=all")["items"]?.list ?? []
            return Set(items.compactMap { $0["id"]?.text })
        }

        private func readOnly(_ isReadOnly: Bool) async throws {
            let url = try RunningWharf.get().settings.postgresURL(for: Settings.administrator)
            let pool = try PostgresPool(url: url, access: .read, size: 1, applicationName: "tests", logger: Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() })
            let change: SQL = isReadOnly ? "ALTER SYSTEM SET default_transaction_read_only = on" : "ALTER SYSTEM RESET default_transaction_read_only"
            try await pool.withConnection { connection in
                _ = try await connection.execute(change)
                _ = try await connection.query("SELECT pg_reload_conf()")
            }
            await pool.close()
        }
    }
}
