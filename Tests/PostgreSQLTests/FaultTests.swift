import Foundation
import Glibc
import Testing

@testable import PostgreSQL

@Suite(.timeLimit(.minutes(3))) struct FaultTests {
    private static let endMyself: SQL = "SELECT pg_terminate_backend(pg_backend_pid())"

    @Test func `a backend that ends in mid query is a transient error, and the pool recovers`() async throws {
        let pool = try await makePool(size: 1)
        let error = await postgresError { try await pool.query(Self.endMyself) }
        #expect(error?.code == .server(sqlState: "57P01"))
        #expect(error?.isTransient == true)
        #expect(try await pool.value("SELECT 1", as: Int.self) == 1)
        #expect(pool.usage.lent == 0)
    }

    @Test func `a backend that ends in mid transaction fails it, and nothing of it is kept`() async throws {
        let pool = try await makePool(size: 1)
        _ = try await pool.query("CREATE TABLE kept (n bigint)")
        let error = await postgresError {
            try await pool.transaction { transaction in
                try await transaction.execute("INSERT INTO kept VALUES (1)")
                try await transaction.execute(Self.endMyself)
            }
        }
        #expect(error?.isTransient == true)
        let swallowed = await postgresError {
            try await pool.transaction { transaction in
                try await transaction.execute("INSERT INTO kept VALUES (1)")
                _ = try? await transaction.execute(Self.endMyself)
            }
        }
        #expect(swallowed?.isTransient == true, "\(String(describing: swallowed))")
        #expect(swallowed?.code != .commitUnknown)
        #expect(try await pool.value("SELECT count(*) FROM kept", as: Int.self) == 0)
    }

    @Test func `idle connections that end are replaced unnoticed`() async throws {
        let (pool, observer) = (try await makePool(size: 1), try await makePool(size: 1))
        let backend: Int = try await pool.value("SELECT pg_backend_pid()")
        #expect(try await observer.value("SELECT pg_terminate_backend(\(Int32(backend)), 5000)", as: Bool.self))
        try await eventually { try await pool.value("SELECT pg_backend_pid()", as: Int.self) != backend }
    }

    @Test func `a killed backend ends every request on its connection`() async throws {
        let (pool, observer) = (try await makePool(size: 1), try await makePool(size: 1))
        let backend: Int = try await pool.value("SELECT pg_backend_pid()")
        async let errors = pool.withConnection { connection in
            await withTaskGroup(of: PostgresError?.self) { group in
                for _ in 0..<10 { group.addTask { await postgresError { try await connection.query("SELECT pg_sleep(60)") } } }
                return await group.reduce(into: []) { $0.append($1.map { $0.isTransient ? "transient" : $0.description }) }
            }
        }
        try await waitUntilAsleep(backend, observer)
        _ = try await observer.query("SELECT pg_terminate_backend(\(Int32(backend)))")
        #expect(try await Set(errors) == ["transient"])
    }

    @Test func `a connection lost during COMMIT leaves the outcome unknown`() async throws {
        let pool = try await makePool(size: 1)
        try await pool.transaction { transaction in
            try await transaction.execute("CREATE TABLE fatal (n bigint)")
            try await transaction.execute(
                """
                CREATE FUNCTION end_myself() RETURNS trigger LANGUAGE plpgsql
                AS 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(60); RETURN NULL; END'
                """)
            try await transaction.execute(
                "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON fatal DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION end_myself()")
        }
        let error = await postgresError { try await pool.transaction { try await $0.execute("INSERT INTO fatal VALUES (1)") } }
        #expect(error?.code == .commitUnknown)
        #expect(error?.isTransient == true)
        #expect(try await pool.value("SELECT count(*) FROM fatal", as: Int.self) == 0)
    }

    @Test func `cancelling a task stops its statement and keeps its connection`() async throws {
        let (pool, observer) = (try await makePool(size: 1), try await makePool(size: 1))
        let backend: Int = try await pool.value("SELECT pg_backend_pid()")
        for _ in 0..<3 {
            let sleeper = Task { try await pool.transaction { try await $0.query("SELECT pg_sleep(60)") } }
            try await waitUntilAsleep(backend, observer)
            sleeper.cancel()
            let error = await postgresError { try await sleeper.value }
            #expect(error?.code == .cancelled)
            #expect(error?.isTransient == false)
        }
        #expect(try await pool.value("SELECT pg_backend_pid()", as: Int.self) == backend)
    }

    @Test func `a request cancelled before its turn is never sent`() async throws {
        let (pool, observer) = (try await makePool(size: 1), try await makePool(size: 1))
        _ = try await pool.query("CREATE TABLE touched (n bigint)")
        let backend: Int = try await pool.value("SELECT pg_backend_pid()")
        try await pool.withConnection { connection in
            let sleeper = Task { try await connection.query("SELECT pg_sleep(60)") }
            try await waitUntilAsleep(backend, observer)
            let next = Task { try await connection.query("INSERT INTO touched VALUES (1)") }
            next.cancel()
            #expect(await postgresError { try await next.value }?.code == .cancelled)
            sleeper.cancel()
            #expect(await postgresError { try await sleeper.value }?.code == .cancelled)
        }
        #expect(try await pool.value("SELECT count(*) FROM touched", as: Int.self) == 0)
    }

    @Test func `many cancellations at random moments affect no other request`() async throws {
        let pool = try await makePool(size: 2)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<60 {
                group.addTask {
                    let task = Task { try await pool.transaction { try await $0.query("SELECT pg_sleep(0.005), \(number) AS n").count } }
                    for _ in 0..<number * 3 { await Task.yield() }
                    if number.isMultiple(of: 2) { task.cancel() }
                    let error = await postgresError { try await task.value }
                    #expect(error == nil || (error?.code == .cancelled && number.isMultiple(of: 2)), "\(number): \(String(describing: error))")
                }
            }
            try await group.waitForAll()
        }
        #expect(pool.usage.lent == 0)
        #expect(try await pool.value("SELECT 1", as: Int.self) == 1)
    }

    @Test func `a cancellation that comes too late does not hit the next statement`() async throws {
        let pool = try await makePool(size: 1)
        for round in 0..<300 {
            try await pool.withConnection { connection in
                let brief = Task { try await connection.query("SELECT 1") }
                for _ in 0..<round % 30 { await Task.yield() }
                brief.cancel()
                let next = await postgresError { try await connection.query("SELECT pg_sleep(0.002)") }
                #expect(next == nil)
                _ = await brief.result
            }
        }
    }

    @Test func `a frozen server is given up in time`() async throws {
        let pool = try await makePool(size: 1, responseTimeout: .seconds(2))
        let backend = pid_t(try await pool.value("SELECT pg_backend_pid()", as: Int.self))
        kill(backend, SIGSTOP)
        let error = await postgresError { try await pool.query("SELECT 1") }
        kill(backend, SIGCONT)
        #expect(error?.code == .connection)
        #expect(error?.isTransient == true)
        #expect(try await pool.value("SELECT 1", as: Int.self) == 1)
    }

    @Test func `the server's statement timeout is reported as such`() async throws {
        let pool = try await makePool(size: 1, statementTimeout: .seconds(1))
        let error = await postgresError { try await pool.query("SELECT pg_sleep(60)") }
        #expect(error?.sqlState == "57014")
    }

    @Test func `COPY through a plain statement drops the connection rather than hanging`() async throws {
        let pool = try await makePool(size: 1)
        _ = try await pool.query("CREATE TABLE items (n bigint)")
        let error = await postgresError { try await pool.query("COPY items FROM STDIN") }
        #expect(error != nil)
        #expect(try await pool.value("SELECT 1", as: Int.self) == 1)
    }

    private func waitUntilAsleep(_ backend: Int, _ observer: PostgresPool) async throws {
        try await eventually {
            try await observer.value("SELECT count(*) FROM pg_stat_activity WHERE pid = \(backend) AND wait_event = 'PgSleep'", as: Int.self) == 1
        }
    }
}
