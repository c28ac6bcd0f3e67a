import Logging
import PostgreSQL

/// The database role of `wharf audit`: it may read what services have written, and write nothing. Of users it sees the inbox alone: neither the hashes
/// of passwords and tokens nor the addresses of customers. What customers ordered it does see: treat its password as a service's.
struct AuditRole: Sendable {
    /// In settings: `WHARF_POSTGRES_URL_AUDIT`.
    static let name = "audit"

    let user: String

    /// For a role that has been made; run by an administrator.
    func restrict(on transaction: any SQLConnection) async throws {
        // Its rights let it write nothing anyhow; this makes a mistake fail with a clear message.
        try await transaction.execute("ALTER ROLE \(identifier: user) SET default_transaction_read_only = on")
    }

    /// Gives the role what it may see of a service, and takes away what it may not; run by the schema's owner, as often as the schema changes.
    func grant(_ service: ServiceName, on database: PostgresPool, logger: Logger) async throws {
        let schema = service.rawValue
        try await database.transaction { transaction in
            // Two that change the same rights at once fail.
            try await transaction.execute("SELECT pg_advisory_xact_lock(hashtextextended('wharf.migrate', 0))")
            guard try await !transaction.query("SELECT 1 FROM pg_roles WHERE rolname = \(user)").isEmpty else {
                logger.warning("the auditor has no role on this server", metadata: ["role": "\(user)", "service": "\(schema)"])
                return
            }
            try await transaction.execute("REVOKE ALL ON ALL TABLES IN SCHEMA \(identifier: schema) FROM \(identifier: user)")
            try await transaction.execute("GRANT USAGE ON SCHEMA \(identifier: schema) TO \(identifier: user)")
            if service == .users {
                try await transaction.execute("GRANT SELECT ON \(identifier: schema).inbox TO \(identifier: user)")
            } else {
                try await transaction.execute("GRANT SELECT ON ALL TABLES IN SCHEMA \(identifier: schema) TO \(identifier: user)")
                try await transaction.execute(
                    "ALTER DEFAULT PRIVILEGES IN SCHEMA \(identifier: schema) GRANT SELECT ON TABLES TO \(identifier: user)")
            }
        }
    }
}
