import PostgreSQL
import Synchronization

/// A transaction in which the first statements of a handler were sent ahead, together with those of the inbox, so that they cost no round trip of their own.
///
/// The handler need not know about it. If its first call is for exactly these statements, it receives their results; otherwise its statements go to the server as usual. So results
/// that were read ahead are never served after a write, or for keys other than those they were read for.
final class ReadAhead: SQLConnection {
    private let transaction: any SQLConnection
    private let statements: [SQL]
    private let results: Mutex<[Rows]?>

    /// - Parameter results: of `statements`, in order.
    init(_ statements: [SQL], _ results: [Rows], in transaction: any SQLConnection) {
        (self.transaction, self.statements) = (transaction, statements)
        self.results = Mutex(results)
    }

    func query(_ sql: SQL) async throws -> Rows {
        if let rows = take([sql])?.first { return rows }
        return try await transaction.query(sql)
    }

    func pipeline(_ statements: [SQL]) async throws -> [Rows] {
        if let rows = take(statements) { return rows }
        return try await transaction.pipeline(statements)
    }

    func enqueue(_ sql: SQL) async throws {
        _ = take([])
        try await transaction.enqueue(sql)
    }

    /// Nil from the second call on, and for other statements.
    private func take(_ wanted: [SQL]) -> [Rows]? {
        guard let rows = results.withLock({ $0.take() }), wanted == statements else { return nil }
        return rows
    }
}
