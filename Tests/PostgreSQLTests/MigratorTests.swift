import Foundation
import Testing

@testable import PostgreSQL

@Suite(.timeLimit(.minutes(3))) struct MigratorTests {
    private let schema = "migrated \(UUID().uuidString)"
    private let migrations = [
        Migration(id: "1 tables", sql: "CREATE TABLE a (n bigint); CREATE TABLE b (n bigint); INSERT INTO a VALUES (1);"),
        Migration(id: "2 more", sql: "ALTER TABLE a ADD COLUMN name text; -- a comment\nINSERT INTO b SELECT n FROM a"),
    ]

    private func migrate(_ migrations: [Migration]) async throws -> [String] {
        try await Migrator.migrate(migrations, schema: schema, on: await TestServer.url(), logger: quiet)
    }

    private func value<Value: PostgresDecodable>(_ sql: SQL) async throws -> Value {
        let pool = try PostgresPool(url: await TestServer.url(), size: 1, schema: schema, logger: quiet)
        return try await pool.value(sql)
    }

    @Test func `migrations are applied in order, and once`() async throws {
        #expect(try await migrate([migrations[0]]) == ["1 tables"])
        #expect(try await migrate(migrations) == ["2 more"])
        #expect(try await migrate(migrations).isEmpty)
        #expect(try await value("SELECT count(*) FROM b") as Int == 1)
        #expect(try await value("SELECT string_agg(id, ',' ORDER BY at) FROM migrations") as String == "1 tables,2 more")
    }

    @Test func `with four callers at once each migration is run by one`() async throws {
        let applied = try await withThrowingTaskGroup(of: [String].self) { group in
            for _ in 0..<4 { group.addTask { try await migrate(migrations) } }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(applied.sorted() == ["1 tables", "2 more"])
        #expect(try await value("SELECT count(*) FROM b") as Int == 1)
    }

    @Test func `a changed migration is rejected by name`() async throws {
        _ = try await migrate(migrations)
        let changed = [migrations[0], Migration(id: "2 more", sql: migrations[1].sql + " "), Migration(id: "3", sql: "CREATE TABLE c (n bigint)")]
        let error = await postgresError { try await migrate(changed) }
        #expect(error?.code == .migrationRefused)
        #expect(error?.message.contains("2 more") == true)
        #expect(error?.message.contains("1 tables") == false)
        #expect(try await value("SELECT to_regclass('c') IS NULL") as Bool)
    }

    @Test func `an older program is rejected`() async throws {
        _ = try await migrate(migrations)
        let error = await postgresError { try await migrate([migrations[0]]) }
        #expect(error?.code == .migrationRefused)
        #expect(error?.message.contains("2 more") == true)
    }

    @Test func `a duplicate id is rejected`() async throws {
        let error = await postgresError { try await migrate([migrations[0], migrations[0]]) }
        #expect(error?.code == .migrationRefused)
    }

    @Test func `a migration that fails leaves nothing behind`() async throws {
        let failing = Migration(id: "2 broken", sql: "CREATE TABLE c (n bigint); INSERT INTO missing VALUES (1)")
        let error = await postgresError { try await migrate([migrations[0], failing]) }
        #expect(error?.sqlState == "42P01")
        #expect(error?.message.contains("2 broken") == true)
        #expect(try await value("SELECT to_regclass('c') IS NULL") as Bool)
        #expect(try await migrate(migrations) == ["2 more"])
    }

    @Test func `a migration that ends its transaction is rejected`() async throws {
        let error = await postgresError { try await migrate([Migration(id: "commits", sql: "CREATE TABLE c (n bigint); COMMIT")]) }
        #expect(error?.code == .misuse)
    }

    @Test func `a role that may not create schemas migrates its own`() async throws {
        let role = "role_\(UUID().uuidString)"
        let pool = try PostgresPool(url: await TestServer.url(), size: 1, logger: quiet)
        _ = try await pool.query("CREATE ROLE \(identifier: role) LOGIN")
        _ = try await pool.query("CREATE SCHEMA \(identifier: schema) AUTHORIZATION \(identifier: role)")
        let url = try await TestServer.url().replacing("user=postgres", with: "user=\(role)")
        #expect(try await Migrator.migrate(migrations, schema: schema, on: url, logger: quiet) == ["1 tables", "2 more"])
    }
}
