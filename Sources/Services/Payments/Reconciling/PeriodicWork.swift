import FoundationEssentials
import PostgreSQL

/// Periodic work that one process of the service does at a time. If that process dies, another takes over once the lease has ended.
struct PeriodicWork: Sendable {
    /// The lease in seconds: longer than one call to a gateway and its commit, after which the lease is renewed.
    static let lease = 120.0

    let name: String
    /// Seconds from one turn to the next.
    let interval: Double

    /// The state of the work at the end of the previous turn.
    struct Turn: Sendable, Equatable {
        /// How far it has come; nil at first.
        var position: String?
        /// When it was last completed; nil at first.
        var doneAt: Date?
    }

    /// Takes a turn; returns nil if none is due, or if another process has it.
    func take(at now: Date, on database: any Database) async throws -> Turn? {
        try await database.transaction { transaction in
            try await transaction.query(
                """
                INSERT INTO periodic_work (name, leased_until) VALUES (\(name), \(now.addingTimeInterval(Self.lease)))
                ON CONFLICT (name) DO UPDATE SET leased_until = excluded.leased_until
                WHERE periodic_work.leased_until <= \(now)
                  AND (periodic_work.done_at IS NULL OR periodic_work.done_at <= \(now.addingTimeInterval(-interval)))
                RETURNING position, done_at
                """
            ).first.map { Turn(position: try $0.decode("position"), doneAt: try $0.decode("done_at")) }
        }
    }

    /// Renews the lease, and records the position of the work if one is given.
    func note(_ position: String? = nil, at now: Date, on database: any Database) async throws {
        try await database.transaction { transaction in
            _ = try await transaction.query(
                """
                UPDATE periodic_work
                SET position = coalesce(\(position), position), leased_until = \(now.addingTimeInterval(Self.lease))
                WHERE name = \(name)
                """)
        }
    }

    /// Ends the turn.
    func end(_ result: String? = nil, at now: Date, on database: any Database) async throws {
        try await database.transaction { transaction in
            _ = try await transaction.query(
                "UPDATE periodic_work SET result = coalesce(\(result), result), done_at = \(now), leased_until = \(now) WHERE name = \(name)")
        }
    }

    func result(on database: any Database) async throws -> String? {
        try await database.withConnection { connection in
            try await connection.query("SELECT result FROM periodic_work WHERE name = \(name)").first?.decode("result")
        }
    }
}
