import Logging
import PostgreSQL

/// The database role of `wharf audit`: it may read what services have written, and write nothing. Of inboxes it sees which messages were handled and
/// which were sent, but no content; of users it sees nothing else: neither the hashes of passwords and tokens nor the addresses of customers. It does see
/// what customers ordered: treat its password like a service's.
package struct AuditRole: Sendable {
    /// In settings: `WHARF_POSTGRES_URL_AUDIT`.
    package static let name = "audit"

    package let user: String

    /// For an existing role; run by an administrator.
    func restrict(on transaction: any SQLConnection) async throws {
        // Its privileges prevent writes anyway; this makes a mistake fail with a clear message.
        try await transaction.execute("ALTER ROLE \(identifier: user) SET default_transaction_read_only = on")
    }

    /// Grants the role what it may see of a service, and revokes everything else; run by the schema's owner, whenever the schema changes.
    func grant(_ service: ServiceName, on database: PostgresPool, logger: Logger) async throws {
        let schema = service.rawValue
        try await database.transaction { transaction in
            // Two concurrent changes to the same privileges fail.
            try await transaction.execute("SELECT pg_advisory_xact_lock(hashtextextended('wharf.migrate', 0))")
            guard try await !transaction.query("SELECT 1 FROM pg_roles WHERE rolname = \(user)").isEmpty else {
                logger.warning("the auditor has no role on this server", metadata: ["role": "\(user)", "service": "\(schema)"])
                return
            }
            try await transaction.execute("REVOKE ALL ON ALL TABLES IN SCHEMA \(identifier: schema) FROM \(identifier: user)")
            try await transaction.execute("GRANT USAGE ON SCHEMA \(identifier: schema) TO \(identifier: user)")
            // The previous version granted it future tables, which the inbox's partitions are.
            try await transaction.execute(
                "ALTER DEFAULT PRIVILEGES IN SCHEMA \(identifier: schema) REVOKE ALL ON TABLES FROM \(identifier: user)")
            for table in try await visible(service, on: transaction) {
                try await transaction.execute("GRANT SELECT ON \(identifier: schema).\(identifier: table) TO \(identifier: user)")
            }
        }
    }

    /// The tables and views of a service that the role may read: all except the inbox and partitions. Partitions are read through their tables.
    private func visible(_ service: ServiceName, on transaction: any SQLConnection) async throws -> [String] {
        if service == .users { return [Self.trail] }
        return try await transaction.query(
            """
            SELECT relname::text AS name FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
            WHERE nspname = \(service.rawValue) AND relkind IN ('r', 'p', 'v') AND NOT relispartition AND relname !~ '^inbox(_[0-9]+)?$'
            """
        ).map { try $0.decode("name") }
    }

    private static let trail = "inbox_trail"
}
