import Logging
import PostgreSQL
import Testing

@testable import Assembly

extension System {
    @Suite struct `The auditor's role` {
        @Test(arguments: ServiceName.allCases.map(\.rawValue)) func `it reads each schema's trail and writes nowhere`(service: String) async throws {
            try await asAuditor(service) { connection in
                _ = try await connection.query("SELECT count(*) FROM inbox_trail").count
                try await connection.execute("SET default_transaction_read_only = off")
                for sql in [
                    "DELETE FROM inbox", "INSERT INTO inbox SELECT * FROM inbox", "UPDATE inbox SET at = now()", "TRUNCATE inbox", "DROP TABLE inbox",
                    "DELETE FROM inbox_trail", "CREATE TABLE mine (id integer)",
                ] {
                    await refused("42501") { try await connection.execute("\(raw: sql)") }
                }
            }
        }

        /// Outputs are replies and messages with names and addresses in them; a fingerprint is a fast hash of a client's input.
        @Test(arguments: ServiceName.allCases.map(\.rawValue)) func `it sees no content of an inbox, nor of a partition that is created later`(service: String) async throws {
            let partitions = try await SystemDatabase.with(service) { connection in
                try await connection.execute("CREATE TABLE inbox_19991231 PARTITION OF inbox FOR VALUES FROM ('1999-12-31') TO ('2000-01-01')")
                return try await connection.query("SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'inbox'::regclass")
                    .map { try $0.decode("name", as: String.self) }
            }
            #expect(partitions.contains("inbox_19991231"))
            try await asAuditor(service) { connection in
                for table in ["inbox"] + partitions {
                    for column in ["message_id", "outputs", "fingerprint"] {
                        await refused("42501") { try await connection.query("SELECT \(raw: column) FROM \(raw: table)").count }
                    }
                }
                let columns = try await connection.query(
                    "SELECT column_name::text AS name FROM information_schema.columns WHERE table_schema = \(service) AND table_name = 'inbox_trail' ORDER BY ordinal_position")
                #expect(try columns.map { try $0.decode("name", as: String.self) } == ["message_id", "at", "ordered", "sent"])
            }
            _ = try await SystemDatabase.with(service) { try await $0.execute("DROP TABLE inbox_19991231") }
        }

        @Test func `it is read-only before any permission is checked`() async throws {
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

        @Test func `objects created later are readable only after the next migration`() async throws {
            _ = try await SystemDatabase.with("catalog") { try await $0.execute("CREATE TABLE tomorrow (id integer)") }
            try await asAuditor("catalog") { connection in
                await refused("42501") { try await connection.query("SELECT id FROM tomorrow").count }
            }
            try await Database.migrate(try RunningWharf.get().settings, logger: Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() })
            #expect(try await asAuditor("catalog") { try await $0.query("SELECT id FROM tomorrow").count } == 0)
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
