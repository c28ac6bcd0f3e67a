import Assembly
import FoundationEssentials
import Logging
import PostgreSQL

/// One look at all databases: a read-only transaction in each, each with one consistent snapshot, all opened one right after the other.
///
/// They may be different servers, so no two are of exactly the same moment. A difference between an earlier and a later one is distinguished from
/// a violation by its age, and by a second look (``Audit``).
struct Snapshots: Sendable {
    /// A sum over all reservations of a large shop takes a while.
    static let longestStatement = Duration.seconds(600)

    private let connections: [ServiceName: any SQLConnection]

    subscript(service: ServiceName) -> any SQLConnection {
        get throws(AuditError) {
            guard let connection = connections[service] else { throw .unreadable("the schema of \(service.rawValue) was not opened") }
            return connection
        }
    }

    /// Opens all, runs `body`, closes all.
    /// - Parameter urls: URLs of the auditor's role, by service.
    static func with<Result: Sendable>(
        _ urls: [ServiceName: String], allowsPlainText: @escaping @Sendable (String) -> Bool, logger: Logger,
        _ body: @Sendable (Snapshots) async throws -> Result
    ) async throws -> Result {
        try await open(ServiceName.allCases[...], urls, [:], allowsPlainText, logger, body)
    }

    private static func open<Result: Sendable>(
        _ services: ArraySlice<ServiceName>, _ urls: [ServiceName: String], _ opened: [ServiceName: any SQLConnection],
        _ allowsPlainText: @escaping @Sendable (String) -> Bool, _ logger: Logger, _ body: @Sendable (Snapshots) async throws -> Result
    ) async throws -> Result {
        guard let service = services.first else { return try await body(Snapshots(connections: opened)) }
        guard let url = urls[service] else { throw AuditError.unreadable("no database is set for \(service.rawValue)") }
        let pool = try PostgresPool(
            url: url, access: .read, allowsPlainText: allowsPlainText, size: 1, applicationName: "wharf audit", schema: service.rawValue, responseTimeout: longestStatement, logger: logger)
        do {
            let result = try await pool.transaction { connection in
                try await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                // The first statement that reads takes the snapshot.
                _ = try await connection.query("SELECT 1")
                return try await open(
                    services.dropFirst(), urls, opened.merging([service: connection]) { $1 }, allowsPlainText, logger, body)
            }
            await pool.close()
            return result
        } catch {
            await pool.close()
            throw AuditError(error, reading: service)
        }
    }
}
