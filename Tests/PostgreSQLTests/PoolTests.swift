import Foundation
import Testing

@testable import PostgreSQL

@Suite(.timeLimit(.minutes(3))) struct PoolTests {
    /// Holds all connections of the pool while `body` runs.
    private func whileHeld(_ pool: PostgresPool, _ body: () async throws -> Void) async throws {
        let (held, done) = (Gate(), Gate())
        let holder = Task {
            try await pool.withConnection { _ in
                held.open()
                await done.wait()
            }
        }
        await held.wait()
        do { try await body() } catch {
            done.open()
            throw error
        }
        done.open()
        try await holder.value
    }

    @Test func `one caller too many is refused at once`() async throws {
        let pool = try await makePool(size: 1, maximumWaiters: 1)
        try await whileHeld(pool) {
            let waiter = Task { try await pool.value("SELECT 1", as: Int.self) }
            try await eventually { pool.usage.waiting == 1 }
            let error = await postgresError { try await pool.query("SELECT 1") }
            #expect(error?.code == .poolExhausted)
            #expect(error?.isTransient == true)
            waiter.cancel()
            let cancelled = await postgresError { try await waiter.value }
            #expect(cancelled?.code == .cancelled)
            #expect(pool.usage.waiting == 0)
        }
        #expect(try await pool.value("SELECT 1", as: Int.self) == 1)
    }

    @Test func `a pool whose connections are all lent probes with one more, which is closed again`() async throws {
        let pool = try await makePool(size: 1, acquisitionTimeout: .seconds(30))
        try await whileHeld(pool) {
            let start = ContinuousClock.now
            try await pool.probe()
            #expect(.now - start < .seconds(10))
            #expect(pool.usage.lent == 1 && pool.usage.waiting == 0)
        }
        try await pool.probe()
        #expect(pool.usage.atRest == 1)
        await pool.close()
        let error = await postgresError { try await pool.probe() }
        #expect(error?.code == .poolClosed)
    }

    @Test func `waiting is bounded`() async throws {
        let pool = try await makePool(size: 1, acquisitionTimeout: .milliseconds(50))
        try await whileHeld(pool) {
            let start = ContinuousClock.now
            let errors = await withTaskGroup(of: PostgresError?.self) { group in
                for _ in 0..<10 { group.addTask { await postgresError { try await pool.query("SELECT 1") } } }
                return await group.reduce(into: []) { $0.append($1?.code) }
            }
            #expect(errors == Array(repeating: .acquisitionTimeout, count: 10))
            #expect(.now - start >= .milliseconds(50))
            #expect(.now - start < .seconds(5))
        }
        #expect(try await pool.value("SELECT 1", as: Int.self) == 1)
    }

    @Test func `a connection is unusable after its closure`() async throws {
        let pool = try await makePool(size: 1)
        let escaped = try await pool.withConnection { $0 }
        let error = await postgresError { try await escaped.query("SELECT 1") }
        #expect(error?.code == .misuse)
    }

    @Test func `a closed pool refuses, and closing waits for lent connections`() async throws {
        let pool = try await makePool(size: 1)
        let (held, done) = (Gate(), Gate())
        let holder = Task {
            try await pool.withConnection { connection in
                held.open()
                await done.wait()
                return try await connection.query("SELECT 1 AS one")[0].decode("one", as: Int.self)
            }
        }
        await held.wait()
        let closing = Task { await pool.close() }
        try await eventually { await postgresError { try await pool.query("SELECT 1") }?.code == .poolClosed }
        done.open()
        #expect(try await holder.value == 1)
        await closing.value
        #expect(pool.usage.atRest == 0)
        await pool.close()
    }

    @Test func `connections end with a pool that is released`() async throws {
        let observer = try await makePool(size: 1)
        var pool: PostgresPool? = try await makePool(size: 2)
        let backend: Int = try #require(try await pool?.value("SELECT pg_backend_pid()"))
        pool = nil
        try await eventually { try await observer.value("SELECT count(*) FROM pg_stat_activity WHERE pid = \(backend)", as: Int.self) == 0 }
    }

    @Test func `an unreadable URL is reported without its password`() {
        let error = #expect(throws: PostgresError.self) {
            try PostgresPool(url: "postgres://user:secret@[host/db", logger: quiet)
        }
        #expect(error?.code == .configuration)
        #expect(error?.description.contains("secret") == false)
    }

    @Test func `a server that cannot be reached is a transient error, for each caller`() async throws {
        let pool = try PostgresPool(url: "postgres://nobody@127.0.0.1:1/none", size: 1, logger: quiet)
        for _ in 0..<3 {
            let error = await postgresError { try await pool.query("SELECT 1") }
            #expect(error?.code == .connection)
            #expect(error?.isTransient == true)
        }
        #expect(pool.usage.lent == 0)
    }

    @Test func `an unreachable local server is reported at once`() async throws {
        let pool = try PostgresPool(
            url: "postgresql:///none?host=/nowhere", size: 1, connectTimeout: .seconds(3600), logger: quiet)
        #expect(await postgresError { try await pool.query("SELECT 1") }?.code == .connection)
        #expect(pool.usage.lent == 0)
    }

    @Test func `a server that does not answer a new connection is given up in time`() async throws {
        let silent = try SilentServer()
        let pool = try PostgresPool(
            url: "postgres://nobody@127.0.0.1:\(silent.port)/none", size: 1, connectTimeout: .milliseconds(100), logger: quiet)
        let error = await postgresError { try await pool.query("SELECT 1") }
        #expect(error?.code == .connection)
        #expect(error?.message.contains("within 0.1 seconds") == true)
    }

    @Test func `a service pool closes when it is shut down`() async throws {
        let pool = try await makePool(size: 1)
        let service = Task { try await pool.run() }
        #expect(try await pool.value("SELECT 1", as: Int.self) == 1)
        service.cancel()
        try await service.value
        #expect(await postgresError { try await pool.query("SELECT 1") }?.code == .poolClosed)
    }
}
