import Foundation
import Testing

@testable import PostgreSQL

@Suite(.timeLimit(.minutes(3))) struct QueryTests {
    @Test func `hostile text stays a value`() async throws {
        let pool = try await makePool()
        try await pool.withConnection { connection in
            try await connection.execute("CREATE TABLE students (name text NOT NULL)")
            for name in ["Robert'); DROP TABLE students;--", "$1", "\\", "''", "/*"] {
                try await connection.execute("INSERT INTO students (name) VALUES (\(name))")
                let found = try await connection.query("SELECT name FROM students WHERE name = \(name)")
                #expect(try found.first?.decode("name") == name)
            }
        }
        #expect(try await pool.value("SELECT count(*) FROM students", as: Int.self) == 5)
    }

    @Test func `a statement returns how many rows it touched`() async throws {
        let pool = try await makePool(size: 1)
        try await pool.withConnection { connection in
            try await connection.execute("CREATE TABLE numbers (n bigint)")
            #expect(try await connection.execute("INSERT INTO numbers SELECT * FROM unnest(\(Array(1...10)))") == 10)
            #expect(try await connection.execute("UPDATE numbers SET n = n + 1 WHERE n > \(5)") == 5)
            #expect(try await connection.execute("DELETE FROM numbers WHERE n = \(100)") == 0)
        }
    }

    @Test func `a pipeline answers each statement in order`() async throws {
        let pool = try await makePool(size: 1)
        let results = try await pool.withConnection { connection in
            try await connection.pipeline((0..<500).map { "SELECT \($0) AS n, \("text")" })
        }
        #expect(try results.map { try $0[0].decode("n", as: Int.self) } == Array(0..<500))
        #expect(try await pool.withConnection { try await $0.pipeline([]) }.isEmpty)
    }

    @Test func `an error in a pipeline names its statement, skips the rest and undoes the earlier ones`() async throws {
        let pool = try await makePool(size: 1)
        _ = try await pool.query("CREATE TABLE numbers (n bigint PRIMARY KEY)")
        let error = await postgresError {
            try await pool.withConnection { connection in
                try await connection.pipeline([
                    "INSERT INTO numbers VALUES (\(1))", "INSERT INTO numbers VALUES (\(2))", "INSERT INTO numbers VALUES (\(1))",
                    "INSERT INTO missing VALUES (\(4))",
                ])
            }
        }
        #expect(error?.code == .server(sqlState: "23505"))
        #expect(error?.statementIndex == 2)
        #expect(error?.constraint == "numbers_pkey")
        #expect(error?.table == "numbers")
        #expect(error?.detail?.contains("(n)=(1)") == true)
        #expect(error?.description.contains("(n)=(1)") == false)
        #expect(error?.isTransient == false)
        #expect(try await pool.value("SELECT count(*) FROM numbers", as: Int.self) == 0)
    }

    @Test func `a deferred constraint fails the pipeline as well`() async throws {
        let pool = try await makePool(size: 1)
        _ = try await pool.query("CREATE TABLE late (n bigint UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        for _ in 0..<2 {
            let error = await postgresError {
                try await pool.withConnection { try await $0.pipeline(["INSERT INTO late VALUES (1)", "INSERT INTO late VALUES (1)", "SELECT 1"]) }
            }
            #expect(error?.sqlState == "23505")
            #expect(error?.statementIndex == nil)
        }
        #expect(try await pool.value("SELECT count(*) FROM late", as: Int.self) == 0)
        #expect(pool.usage.atRest == 1)
    }

    @Test func `a wrong statement is an error once, and leaves the connection and its cache intact`() async throws {
        let pool = try await makePool(size: 1)
        let backend: Int = try await pool.value("SELECT pg_backend_pid()")
        for _ in 0..<3 {
            let error = await postgresError { try await pool.query("SELEC 1") }
            #expect(error?.sqlState == "42601")
            #expect(error?.statement == "SELEC 1")
            #expect(error?.statementIndex == nil)
        }
        for divisor in [1, 0, 1] {
            let error = await postgresError { try await pool.query("SELECT 1 / \(divisor)") }
            #expect(error?.sqlState == (divisor == 0 ? "22012" : nil))
        }
        #expect(try await pool.value("SELECT pg_backend_pid()", as: Int.self) == backend)
    }

    @Test func `statements are prepared once and the least used are evicted`() async throws {
        let pool = try await makePool(size: 1, statementCacheSize: 8)
        for round in 0..<3 {
            for width in 1...20 {
                let sql: SQL = "SELECT \(round) AS \(identifier: "column \(width)")"
                #expect(try await pool.value(sql, as: Int.self) == round)
            }
        }
        let names = SQL(stringLiteral: "SELECT count(*) FROM pg_prepared_statements")
        #expect(try await pool.value(names, as: Int.self) <= 9)
        let many = try await pool.withConnection { try await $0.pipeline((0..<50).map { "SELECT \(raw: "\($0)")" }) }
        #expect(many.count == 50)
        #expect(try await pool.value(names, as: Int.self) <= 9)
    }

    @Test func `an eviction does not disturb a failed pipeline`() async throws {
        let pool = try await makePool(size: 1, statementCacheSize: 2)
        for round in 0..<20 {
            let error = await postgresError {
                try await pool.transaction { transaction in
                    try await transaction.pipeline(["SELECT \(round)", "SELECT 1 / \(0) AS \(identifier: "n\(round)")", "SELECT \(raw: "\(round)")"])
                }
            }
            #expect(error?.sqlState == "22012")
        }
        #expect(try await pool.value("SELECT count(*) FROM pg_prepared_statements", as: Int.self) <= 3)
    }

    @Test func `a changed table costs one transient error at most`() async throws {
        let pool = try await makePool(size: 1)
        let sql: SQL = "SELECT * FROM shape"
        _ = try await pool.query("CREATE TABLE shape (a bigint)")
        _ = try await pool.query("INSERT INTO shape VALUES (1)")
        _ = try await pool.query(sql)
        _ = try await pool.query("ALTER TABLE shape ADD COLUMN b text DEFAULT 'new'")
        let error = await postgresError { try await pool.query(sql) }
        #expect(error?.isTransient == true)
        #expect(try await pool.query(sql).first?.decode("b", as: String.self) == "new")
        _ = try await pool.query("DEALLOCATE ALL")
        let lost = await postgresError { try await pool.query(sql) }
        #expect(lost?.isTransient == true)
        #expect(try await pool.query(sql).count == 1)
    }

    @Test func `a statement may return other columns than before`() async throws {
        let pool = try await makePool(size: 1)
        for (cursor, width) in [("SELECT 1 AS a", 1), ("SELECT 'x' AS a, 2 AS b, 3 AS c", 3), ("SELECT 4 AS a, 5 AS b", 2)] {
            let error = await postgresError {
                try await pool.transaction { transaction in
                    try await transaction.execute("DECLARE reader CURSOR FOR \(raw: cursor)")
                    let rows = try await transaction.query("FETCH ALL FROM reader")
                    #expect(rows[0].result.columns.names.count == width)
                }
            }
            #expect(error == nil || error?.isTransient == true)
        }
    }

    @Test func `nothing is prepared when the cache has no room`() async throws {
        let pool = try await makePool(size: 1, statementCacheSize: 0)
        #expect(try await pool.value("SELECT \(5) + \(6)", as: Int.self) == 11)
        #expect(try await pool.value("SELECT count(*) FROM pg_prepared_statements", as: Int.self) == 0)
    }

    @Test func `large values and large results cross without blocking each other`() async throws {
        let pool = try await makePool(size: 1)
        let large = [UInt8](repeating: 7, count: 8 << 20)
        let results = try await pool.withConnection { connection in
            try await connection.pipeline([
                "SELECT repeat('x', 8388608) AS text FROM generate_series(1, 4)", "SELECT \(large) AS bytes",
                "SELECT repeat('y', 8388608) AS text FROM generate_series(1, 4)", "SELECT length(\(large)) AS length",
            ])
        }
        #expect(results.map(\.count) == [4, 1, 4, 1])
        #expect(try results[1][0].decode("bytes") == large)
        #expect(try results[2][3].decode("text", as: String.self).utf8.count == 8_388_608)
    }

    @Test func `requests of several tasks on one connection take turns`() async throws {
        let pool = try await makePool(size: 1)
        let sum = try await pool.withConnection { connection in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<100 {
                    group.addTask { try await connection.query("SELECT \(number) AS n")[0].decode("n") }
                }
                return try await group.reduce(0, +)
            }
        }
        #expect(sum == 4950)
    }
}
