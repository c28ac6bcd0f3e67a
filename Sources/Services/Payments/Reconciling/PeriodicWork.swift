import FoundationEssentials
import Messaging
import PostgreSQL

/// Periodic work that one process of the service does at a time. If that process dies, another takes over once the lease has ended.
struct PeriodicWork: Sendable {
    /// The lease in seconds: longer than one call to a gateway and its commit, after which the lease is renewed.
    static let lease = 120.0

    let name: String
    /// Seconds from one turn to the next.
    let interval: Double

    /// One process's turn, with the state in which the previous turn left the work.
    struct Turn: Sendable, Equatable {
        /// How far it has come; nil at first.
        var position: String?
        /// When it was last completed; nil at first.
        var doneAt: Date?
        /// The end of this turn's lease. Another process may take the next turn afterwards.
        fileprivate(set) var leasedUntil: Date
    }

    /// Takes a turn; returns nil if none is due, or if another process has it.
    func take(at now: Date, on database: any Database) async throws -> Turn? {
        let lease = now.addingTimeInterval(Self.lease)
        return try await database.transaction { transaction in
            try await transaction.query(
                """
                INSERT INTO periodic_work (name, leased_until) VALUES (\(name), \(lease))
                ON CONFLICT (name) DO UPDATE SET leased_until = excluded.leased_until
                WHERE periodic_work.leased_until <= \(now)
                  AND (periodic_work.done_at IS NULL OR periodic_work.done_at <= \(now.addingTimeInterval(-interval)))
                RETURNING position, done_at
                """
            ).first.map { Turn(position: try $0.decode("position"), doneAt: try $0.decode("done_at"), leasedUntil: lease) }
        }
    }

    /// Renews the lease, and notes how far the work has come where that is given.
    /// - Throws: A ``Failure`` when another process has the turn by now.
    func note(_ position: String? = nil, of turn: inout Turn, at now: Date, on database: any Database) async throws {
        let (held, lease) = (turn.leasedUntil, now.addingTimeInterval(Self.lease))
        let noted = try await database.transaction { transaction in
            try await transaction.query(
                """
                UPDATE periodic_work SET position = coalesce(\(position), position), leased_until = \(lease)
                WHERE name = \(name) AND leased_until = \(held)
                RETURNING 1
                """)
        }
        guard noted.first != nil else { throw Self.lost }
        turn.leasedUntil = lease
    }

    /// Ends the turn.
    /// - Throws: A ``Failure`` when another process has it by now.
    func end(_ result: String? = nil, of turn: Turn, at now: Date, on database: any Database) async throws {
        let ended = try await database.transaction { transaction in
            try await transaction.query(
                """
                UPDATE periodic_work SET result = coalesce(\(result), result), done_at = \(now), leased_until = \(now)
                WHERE name = \(name) AND leased_until = \(turn.leasedUntil)
                RETURNING 1
                """)
        }
        guard ended.first != nil else { throw Self.lost }
    }

    private static var lost: Failure { Failure("lease-ended", "another process has taken over this work", remedy: .retry) }

    func result(on database: any Database) async throws -> String? {
        try await database.withConnection { connection in
            try await connection.query("SELECT result FROM periodic_work WHERE name = \(name)").first?.decode("result")
        }
    }
}
