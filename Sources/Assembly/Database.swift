import Logging
import Messaging
import Operations
import PostgreSQL

/// Prepares PostgreSQL for the services.
package enum Database {
    package static func migrate(_ settings: Settings, logger: Logger) async throws {
        let assembly = Assembly(settings: settings, logger: logger, name: "migrate")
        let administrator = try PostgresPool(
            url: settings.postgresURL(for: Settings.administrator), allowsPlainText: settings.allowsPlainText(to:), size: 1,
            applicationName: "wharf migrate", logger: logger)
        do {
            let auditor = try await auditor(settings, administrator)
            for service in ServiceName.allCases {
                let tables = try await prepare(service, settings, administrator).map { AppendOnlyTables(service: service, user: $0) }
                try await tables?.release(on: administrator)
                let url = settings.postgresURL(for: service.rawValue)
                let applied = try await Migrator.migrate(
                    service.migrations, schema: service.rawValue, on: url, allowsPlainText: settings.allowsPlainText(to:), logger: logger)
                let database = try assembly.database(service)
                _ = try await InboxPartitions(of: database, clock: assembly.clock, logger: logger).maintain()
                try await auditor?.grant(service, on: database, logger: logger)
                await database.close()
                try await tables?.seal(on: administrator)
                if !applied.isEmpty {
                    logger.info("migrated", metadata: ["service": "\(service)", "migrations": "\(applied.joined(separator: " "))"])
                }
            }
        } catch {
            await administrator.close()
            throw error
        }
        await administrator.close()
    }

    /// Makes the service's role, which owns its schema and sees no other. Returns its name; nil when the service has none of its own.
    private static func prepare(_ service: ServiceName, _ settings: Settings, _ administrator: PostgresPool) async throws -> String? {
        let name = service.rawValue
        guard let credentials = try Credentials(ofOwn: settings.postgresURL(for: name), besides: settings.postgresURL(for: Settings.administrator)) else {
            // A common role: the service has no URL of its own.
            try await administrator.withConnection {
                _ = try await $0.execute("CREATE SCHEMA IF NOT EXISTS \(identifier: name)")
            }
            return nil
        }
        try await administrator.transaction { transaction in
            try await makeRole(credentials, on: transaction)
            try await transaction.execute(
                "CREATE SCHEMA IF NOT EXISTS \(identifier: name) AUTHORIZATION \(identifier: credentials.user)")
            // Roles without a schema in the database have no access to it.
            try await transaction.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        }
        return credentials.user
    }

    /// Nil when the auditor has no role of its own.
    private static func auditor(_ settings: Settings, _ administrator: PostgresPool) async throws -> AuditRole? {
        let url = settings.postgresURL(for: AuditRole.name)
        guard let credentials = try Credentials(ofOwn: url, besides: settings.postgresURL(for: Settings.administrator)) else { return nil }
        let auditor = AuditRole(user: credentials.user)
        try await administrator.transaction { transaction in
            try await makeRole(credentials, on: transaction)
            try await auditor.restrict(on: transaction)
        }
        return auditor
    }

    /// Creates a role that may log in, under a lock that ends with the transaction.
    private static func makeRole(_ credentials: Credentials, on transaction: any SQLConnection) async throws {
        try await transaction.execute("SELECT pg_advisory_xact_lock(hashtextextended('wharf.migrate', 0))")
        let exists = try await !transaction.query("SELECT 1 FROM pg_roles WHERE rolname = \(credentials.user)").isEmpty
        let verifier = try ScramVerifier(password: credentials.password, user: credentials.user)
        // CREATE ROLE and ALTER ROLE accept no bound values: they are passed as settings of this transaction.
        _ = try await transaction.query(
            "SELECT set_config('wharf.role', \(credentials.user), true), set_config('wharf.verifier', \(verifier.text), true)")
        try await transaction.execute(
            """
            DO $$
            BEGIN
                EXECUTE format(
                    '\(raw: exists ? "ALTER" : "CREATE") ROLE %I LOGIN PASSWORD %L', current_setting('wharf.role'), current_setting('wharf.verifier'));
            END
            $$
            """)
    }
}
