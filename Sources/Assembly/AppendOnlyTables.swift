import Logging
import PostgreSQL

/// The tables that a service only adds rows to: logs of people's decisions.
///
/// The administrator owns these tables, their partitions, and the functions that create and drop partitions. The service's role may only read and insert rows. Because it is
/// not the owner, it can neither grant itself the right to update, delete or truncate, nor drop the triggers that forbid these. A service without a separate role runs as the
/// administrator, and then only the triggers protect the tables.
struct AppendOnlyTables: Sendable {
    let service: ServiceName
    /// The service's role.
    let user: String

    /// Makes the service the owner again while it has migrations to apply, which may alter the tables.
    func release(on administrator: PostgresPool) async throws {
        guard try await hasPendingMigrations(on: administrator) else { return }
        try await change(on: administrator, from: "CURRENT_USER") { table in
            ["ALTER TABLE \(table) OWNER TO \(identifier: user)"]
        } function: { function in
            ["ALTER FUNCTION \(function) OWNER TO \(identifier: user)"]
        }
    }

    /// Makes the administrator the owner.
    func seal(on administrator: PostgresPool) async throws {
        try await change(on: administrator, from: user) { table in
            [
                "ALTER TABLE \(table) OWNER TO CURRENT_USER",
                // This passes the right to read on to the auditor.
                "GRANT SELECT ON \(table) TO \(identifier: user) WITH GRANT OPTION",
                "GRANT INSERT ON \(table) TO \(identifier: user)",
            ]
        } function: { function in
            ["ALTER FUNCTION \(function) OWNER TO CURRENT_USER", "GRANT EXECUTE ON FUNCTION \(function) TO \(identifier: user)"]
        }
    }

    /// Changes the existing tables, partitions and functions that belong to `owner`.
    private func change(
        on administrator: PostgresPool, from owner: String, _ statements: @Sendable (SQL) -> [SQL], function: @Sendable (SQL) -> [SQL]
    ) async throws {
        let schema = service.rawValue
        try await administrator.transaction { transaction in
            let tables = try await transaction.query(
                """
                SELECT relname::text AS name FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
                WHERE nspname = \(schema) AND relkind IN ('r', 'p')
                  AND (relname = ANY(\(service.appendOnlyTables))
                       OR pg_class.oid IN (
                           SELECT inhrelid FROM pg_inherits JOIN pg_class AS whole ON whole.oid = inhparent
                           WHERE whole.relnamespace = pg_class.relnamespace AND whole.relname = ANY(\(service.appendOnlyTables))))
                  AND pg_get_userbyid(relowner)::text = CASE \(owner) WHEN 'CURRENT_USER' THEN current_user::text ELSE \(owner) END
                """)
            let functions = try await transaction.query(
                """
                SELECT proname::text AS name FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
                WHERE nspname = \(schema) AND proname = ANY(\(service.keepersOfTables)) AND pronargs = 0
                  AND pg_get_userbyid(proowner)::text = CASE \(owner) WHEN 'CURRENT_USER' THEN current_user::text ELSE \(owner) END
                """)
            func name(_ row: Row) throws -> SQL { "\(identifier: schema).\(identifier: try row.decode("name", as: String.self))" }
            for row in tables {
                for statement in statements(try name(row)) { try await transaction.execute(statement) }
            }
            for row in functions {
                for statement in function(try name(row) + "()") { try await transaction.execute(statement) }
            }
        }
    }

    private func hasPendingMigrations(on administrator: PostgresPool) async throws -> Bool {
        let schema = service.rawValue
        return try await administrator.withConnection { connection in
            let exists = try await connection.query("SELECT to_regclass(quote_ident(\(schema)) || '.migrations') IS NOT NULL AS yes")
            guard try exists.first?.decode("yes") == true else { return false }
            let rows = try await connection.query("SELECT id FROM \(identifier: schema).migrations")
            let applied = Set(try rows.map { try $0.decode("id", as: String.self) })
            return service.migrations.contains { !applied.contains($0.id) }
        }
    }
}

extension ServiceName {
    fileprivate var appendOnlyTables: [String] { self == .deadletters ? ["audit"] : [] }
    /// Functions without arguments that create and drop the tables' partitions.
    fileprivate var keepersOfTables: [String] { self == .deadletters ? ["keep_audit"] : [] }
}
