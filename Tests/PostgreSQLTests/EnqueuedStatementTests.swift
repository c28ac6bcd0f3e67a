import Foundation
import Testing

@testable import PostgreSQL

@Suite(.timeLimit(.minutes(3))) struct EnqueuedStatementTests {
    private struct Refusal: Error {}

    private func makeLedger() async throws -> PostgresPool {
        let pool = try await makePool(size: 1)
        _ = try await pool.query("CREATE TABLE ledger (id bigint PRIMARY KEY, amount bigint NOT NULL)")
        return pool
    }

    private func count(_ pool: PostgresPool) async throws -> Int {
        try await pool.value("SELECT count(*) FROM ledger")
    }

    @Test func `enqueued statements take effect in their order, before the next one and with COMMIT at the latest`() async throws {
        let pool = try await makeLedger()
        try await pool.transaction { transaction in
            try await transaction.enqueue("INSERT INTO ledger VALUES (1, 10)")
            try await transaction.enqueue("UPDATE ledger SET amount = amount + 1")
            let rows = try await transaction.query("SELECT amount FROM ledger")
            #expect(try rows.map { try $0.decode("amount", as: Int.self) } == [11])
            try await transaction.enqueue("INSERT INTO ledger VALUES (2, 20)")
        }
        #expect(try await count(pool) == 2)
        try await pool.transaction { try await $0.enqueue("DELETE FROM ledger") }
        #expect(try await count(pool) == 0)
    }

    @Test func `enqueued statements are undone when the body throws`() async throws {
        let pool = try await makeLedger()
        await #expect(throws: Refusal.self) {
            try await pool.transaction { transaction in
                try await transaction.enqueue("INSERT INTO ledger VALUES (1, 10)")
                throw Refusal()
            }
        }
        #expect(try await count(pool) == 0)
    }

    @Test func `an enqueued statement that fails undoes the transaction, and its connection can be used again`() async throws {
        let pool = try await makeLedger()
        let error = await postgresError {
            try await pool.transaction { transaction in
                try await transaction.execute("INSERT INTO ledger VALUES (1, 10)")
                try await transaction.enqueue("INSERT INTO ledger VALUES (1, 20)")
            }
        }
        #expect(error?.sqlState == "23505")
        #expect(error?.statement == "INSERT INTO ledger VALUES (1, 20)")
        #expect(try await count(pool) == 0)
    }

    @Test func `a failure's index is that of the caller's pipeline`() async throws {
        let pool = try await makeLedger()
        let own = await postgresError {
            try await pool.transaction { transaction in
                try await transaction.enqueue("INSERT INTO ledger VALUES (1, 10)")
                _ = try await transaction.pipeline(["SELECT 1", "SELECT 1 / 0"])
            }
        }
        #expect(own?.statementIndex == 1)
        let enqueued = await postgresError {
            try await pool.transaction { transaction in
                try await transaction.enqueue("SELECT 1 / 0")
                _ = try await transaction.pipeline(["SELECT 1"])
            }
        }
        #expect(enqueued?.statementIndex == nil)
        #expect(enqueued?.statement == "SELECT 1 / 0")
    }

    @Test func `statements past the limit are sent at once`() async throws {
        let pool = try await makeLedger()
        try await pool.transaction { transaction in
            for id in 1...(2 * SQL.maximumEnqueued + 1) { try await transaction.enqueue("INSERT INTO ledger VALUES (\(id), 1)") }
        }
        #expect(try await count(pool) == 2 * SQL.maximumEnqueued + 1)
    }

    @Test func `outside a transaction it is run at once`() async throws {
        let pool = try await makeLedger()
        try await pool.withConnection { connection in
            try await connection.enqueue("INSERT INTO ledger VALUES (1, 10)")
            #expect(try await connection.query("SELECT FROM ledger").count == 1)
        }
    }

    @Test func `a pool that keeps to indexes scans no table, however small it was when the plan was made`() async throws {
        let pool = try PostgresPool(url: try await TestServer.url(), keepsToIndexes: true, logger: quiet)
        let rows = try await pool.transaction { transaction in
            _ = try await transaction.query("CREATE TEMPORARY TABLE small (id bigint PRIMARY KEY)")
            return try await transaction.query("EXPLAIN SELECT FROM small WHERE id = ANY(\([1, 2]))")
        }
        let plan = try rows.map { try $0.decode("QUERY PLAN", as: String.self) }.joined(separator: "\n")
        #expect(plan.contains("Index") && !plan.contains("Seq Scan"))
        await pool.close()
    }
}
