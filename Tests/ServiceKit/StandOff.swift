import LocalServers
import PostgreSQL
import TestKit

/// Two batches that always meet in the middle of their locks: another session holds all the locks that they want until both wait, then releases them at once. Each
/// gets its first lock, and goes on to those that the other one may hold.
struct StandOff {
    let database: PostgresPool
    /// Takes every lock that the batches want.
    let hold: SQL

    /// The results of both. The first waits already when the second begins, so that it is the first to go on.
    func results<Result: Sendable>(
        of first: @escaping @Sendable () async throws -> Result, then second: @escaping @Sendable () async throws -> Result
    ) async throws -> (Result, Result) {
        try await withThrowingTaskGroup(of: (Int, Result).self) { batches in
            try await database.transaction { transaction in
                try await transaction.execute(hold)
                batches.addTask { (0, try await first()) }
                try await waiters(1, on: transaction)
                batches.addTask { (1, try await second()) }
                try await waiters(2, on: transaction)
            }
            var results: [Int: Result] = [:]
            for try await (place, result) in batches { results[place] = result }
            guard let first = results[0], let second = results[1] else { throw CancellationError() }
            return (first, second)
        }
    }

    private func waiters(_ count: Int, on transaction: any SQLConnection) async throws {
        try await eventually("So many wait for a lock: \(count)") {
            // Within a transaction the view stays as it was first seen.
            try await transaction.execute("SELECT pg_stat_clear_snapshot()")
            return try await transaction.query(
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ).count == count
        }
    }

    /// How many deadlocks PostgreSQL has counted when both have ended. Closes the pool, as a connection reports its figures when it ends.
    func deadlocks(between first: @escaping @Sendable () async -> Void, and second: @escaping @Sendable () async -> Void) async throws -> Int? {
        try await figure("deadlocks", between: first, and: second)
    }

    /// How many transactions have failed in this database, ever. Closes the pool, too.
    func rollbacks(between first: @escaping @Sendable () async -> Void, and second: @escaping @Sendable () async -> Void) async throws -> Int? {
        try await figure("xact_rollback", between: first, and: second)
    }

    private func figure(
        _ column: String, between first: @escaping @Sendable () async -> Void, and second: @escaping @Sendable () async -> Void
    ) async throws -> Int? {
        let name: String = try await database.withConnection { try await $0.query("SELECT current_database()::text") }[0].decode(0)
        try await withThrowingTaskGroup(of: Void.self) { batches in
            try await database.transaction { transaction in
                try await transaction.execute(hold)
                batches.addTask { await first() }
                batches.addTask { await second() }
                try await waiters(2, on: transaction)
            }
            try await batches.waitForAll()
        }
        await database.close()
        let server = try await TestServers.postgres()
        try await eventually("The end of all connections") {
            try await server.query("SELECT count(*) FROM pg_stat_activity WHERE datname = '\(name)'") == "0"
        }
        return Int(try await server.query("SELECT \(column) FROM pg_stat_database WHERE datname = '\(name)'"))
    }
}
