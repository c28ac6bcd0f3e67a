import PostgreSQL
import Testing

@testable import wharf

extension System {
    @Suite struct `The auditor's role` {
        @Test(arguments: ServiceName.allCases.map(\.rawValue)) func `it reads each schema's inbox and writes in none`(service: String) async throws {
            try await asAuditor(service) { connection in
                _ = try await connection.query("SELECT count(*) FROM inbox").count
                try await connection.execute("SET default_transaction_read_only = off")
                for sql in ["DELETE FROM inbox", "INSERT INTO inbox SELECT * FROM inbox", "UPDATE inbox SET at = now()", "TRUNCATE inbox", "DROP TABLE inbox",
                    "CREATE TABLE mine (id integer)"] {
                    await refused("42501") { try await connection.execute("\(raw: sql)") }
                }
            }
        }

        @Test func `it is read-only before anybody asks for rights`() async throws {
            try await asAuditor("orders") { connection in
                await refused("25006") { try await connection.execute("DELETE FROM orders") }
            }
        }

        @Test(arguments: ["SELECT password_hash FROM accounts", "SELECT token_hash FROM sessions", "SELECT email FROM accounts", "SELECT * FROM accounts"])
        func `it sees no hash of a password or a token, and no account`(sql: String) async throws {
            try await asAuditor("users") { connection in
                await refused("42501") { try await connection.query("\(raw: sql)").count }
            }
        }

        @Test func `it may read tables that are made later`() async throws {
            _ = try await SystemDatabase.with("catalog") { try await $0.execute("CREATE TABLE tomorrow (id integer)") }
            let rows = try await asAuditor("catalog") { try await $0.query("SELECT id FROM tomorrow").count }
            #expect(rows == 0)
            _ = try await SystemDatabase.with("catalog") { try await $0.execute("DROP TABLE tomorrow") }
        }

        private func refused<Result>(_ sqlState: String, _ body: () async throws -> Result) async {
            let error = await #expect(throws: PostgresError.self) { _ = try await body() }
            #expect(error?.sqlState == sqlState)
        }

        private func asAuditor<Result: Sendable>(
            _ schema: String, _ body: @Sendable (any SQLConnection) async throws -> Result
        ) async throws -> Result {
            try await SystemDatabase.with("audit", schema: schema, body)
        }
    }
}
