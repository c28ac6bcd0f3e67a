import Foundation
import Testing

@testable import PostgreSQL

@Suite(.timeLimit(.minutes(3))) struct TransactionTests {
    private struct Refusal: Error {}

    private func makeLedger(size: Int = 4) async throws -> PostgresPool {
        let pool = try await makePool(size: size)
        _ = try await pool.query("CREATE TABLE ledger (id bigint PRIMARY KEY, amount bigint NOT NULL)")
        return pool
    }

    private func count(_ pool: PostgresPool) async throws -> Int {
        try await pool.value("SELECT count(*) FROM ledger")
    }

    @Test func `the statements of a body are kept when it returns, and undone when it throws`() async throws {
        let pool = try await makeLedger()
        let id = try await pool.transaction { transaction in
            try await transaction.execute("INSERT INTO ledger VALUES (\(1), \(10))")
            return 1
        }
        #expect(id == 1)
        await #expect(throws: Refusal.self) {
            try await pool.transaction { transaction in
                try await transaction.execute("INSERT INTO ledger VALUES (\(2), \(10))")
                throw Refusal()
            }
        }
        #expect(try await count(pool) == 1)
    }

    @Test func `a body that sends nothing costs no round trip`() async throws {
        let pool = try await makeLedger(size: 1)
        try await pool.transaction { _ in }
        let last: String = try await pool.value(
            "SELECT count(*)::text FROM pg_prepared_statements WHERE statement ~ '^(BEGIN|COMMIT|ROLLBACK)'")
        #expect(last == "0")
    }

    @Test func `a transaction starts with its first statement, also when that is a pipeline`() async throws {
        let pool = try await makeLedger(size: 1)
        await #expect(throws: Refusal.self) {
            try await pool.transaction { transaction in
                let results = try await transaction.pipeline(["INSERT INTO ledger VALUES (3, 3)", "SELECT \(7) AS n"])
                #expect(try results[1][0].decode("n", as: Int.self) == 7)
                throw Refusal()
            }
        }
        #expect(try await count(pool) == 0)
    }

    @Test func `a swallowed error is reported at COMMIT`() async throws {
        let pool = try await makeLedger(size: 1)
        let error = await postgresError {
            try await pool.transaction { transaction in
                try await transaction.execute("INSERT INTO ledger VALUES (1, 1)")
                _ = try? await transaction.execute("INSERT INTO ledger VALUES (1, 1)")
            }
        }
        #expect(error?.sqlState == "25P02")
        #expect(try await count(pool) == 0)
    }

    @Test func `a savepoint brings a transaction back from an error`() async throws {
        let pool = try await makeLedger(size: 1)
        try await pool.transaction { transaction in
            try await transaction.pipeline(["INSERT INTO ledger VALUES (1, 1)", "SAVEPOINT before"]).forEach { _ in }
            let error = await postgresError { try await transaction.execute("INSERT INTO ledger VALUES (1, 1)") }
            #expect(error?.sqlState == "23505")
            try await transaction.execute("ROLLBACK TO SAVEPOINT before")
            try await transaction.execute("INSERT INTO ledger VALUES (2, 1)")
        }
        #expect(try await count(pool) == 2)
    }

    @Test func `a deferred violation is an error of the transaction`() async throws {
        let pool = try await makePool(size: 1)
        _ = try await pool.query("CREATE TABLE late (n bigint UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        let error = await postgresError { try await pool.transaction { try await $0.execute("INSERT INTO late VALUES (1), (1)") } }
        #expect(error?.sqlState == "23505")
        #expect(try await pool.value("SELECT count(*) FROM late", as: Int.self) == 0)
    }

    @Test func `a transaction left open by a plain connection is rolled back before the next caller`() async throws {
        let pool = try await makeLedger(size: 1)
        let backend: Int = try await pool.value("SELECT pg_backend_pid()")
        try await pool.withConnection { connection in
            try await connection.execute("BEGIN")
            try await connection.execute("INSERT INTO ledger VALUES (1, 1)")
        }
        #expect(try await count(pool) == 0)
        #expect(try await pool.value("SELECT pg_backend_pid()", as: Int.self) == backend)
    }

    @Test func `a hundred tasks share four connections without losing an update`() async throws {
        let pool = try await makeLedger(size: 4)
        _ = try await pool.query("INSERT INTO ledger VALUES (0, 0)")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...100 {
                group.addTask {
                    try await pool.transaction { transaction in
                        let rows = try await transaction.query("SELECT amount FROM ledger WHERE id = 0 FOR UPDATE")
                        let amount: Int = try rows[0].decode("amount")
                        try await transaction.pipeline([
                            "UPDATE ledger SET amount = \(amount + 1) WHERE id = 0", "INSERT INTO ledger VALUES (\(number), \(amount))",
                        ]).forEach { _ in }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await pool.value("SELECT amount FROM ledger WHERE id = 0", as: Int.self) == 100)
        #expect(try await pool.value("SELECT count(DISTINCT amount) FROM ledger WHERE id > 0", as: Int.self) == 100)
        #expect(pool.usage.lent == 0)
        #expect(pool.usage.atRest <= 4)
    }

    @Test func `a deadlock is transient`() async throws {
        let pool = try await makeLedger()
        _ = try await pool.query("INSERT INTO ledger VALUES (1, 0), (2, 0)")
        let (first, second) = (Gate(), Gate())
        @Sendable func update(_ ids: (Int, Int), opening: Gate, waitingFor: Gate) async -> PostgresError? {
            await postgresError {
                try await pool.transaction { transaction in
                    try await transaction.execute("UPDATE ledger SET amount = 1 WHERE id = \(ids.0)")
                    opening.open()
                    await waitingFor.wait()
                    try await transaction.execute("UPDATE ledger SET amount = 1 WHERE id = \(ids.1)")
                }
            }
        }
        async let one = update((1, 2), opening: first, waitingFor: second)
        async let two = update((2, 1), opening: second, waitingFor: first)
        let errors = await [one, two].compactMap(\.self)
        #expect(errors.map(\.sqlState) == ["40P01"])
        #expect(errors.first?.isTransient == true)
    }

    @Test func `a body may use the state of the actor that calls`() async throws {
        actor Counter {
            var total = 0

            func add(from pool: PostgresPool) async throws -> Int {
                try await pool.transaction { transaction in
                    total += try await transaction.query("SELECT \(5) AS n")[0].decode("n", as: Int.self)
                    return total
                }
            }
        }
        let database = try await makePool(size: 1)
        let counter = Counter()
        #expect(try await counter.add(from: database) == 5)
        #expect(try await counter.add(from: database) == 10)
    }
}
