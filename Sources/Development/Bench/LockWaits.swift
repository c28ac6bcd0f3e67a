import Assembly
import PostgreSQL
import Terminal

/// Measures how long workers wait for tables that others have locked. Workers also wait for rows that other workers have locked; that is normal, and not counted.
struct LockWaits: Sendable {
    private static let pause = Duration.milliseconds(10)
    private static let services = ServiceName.allCases.map(\.rawValue)

    let database: PostgresPool

    /// - Returns: the longest wait seen, and what `body` returned.
    func longest<Result: Sendable>(during body: @escaping @Sendable () async throws -> Result) async throws -> (wait: Duration, result: Result) {
        try await withThrowingTaskGroup(of: Duration?.self) { group in
            group.addTask {
                var longest = Duration.zero
                while !Task.isCancelled {
                    longest = max(longest, try await database.withConnection { try await wait($0) })
                    try? await Task.sleep(for: Self.pause)
                }
                return longest
            }
            let result = try await body()
            group.cancelAll()
            return (try await group.next().flatMap(\.self) ?? .zero, result)
        }
    }

    private func wait(_ connection: any SQLConnection) async throws -> Duration {
        let rows = try await connection.query(
            """
            SELECT coalesce(max(extract(epoch FROM clock_timestamp() - waitstart)), 0)::float8 AS seconds
            FROM pg_locks JOIN pg_stat_activity USING (pid)
            WHERE NOT granted AND locktype = 'relation' AND usename::text = ANY(\(Self.services))
            """)
        return .seconds(try rows.first?.decode("seconds", as: Double.self) ?? 0)
    }
}
