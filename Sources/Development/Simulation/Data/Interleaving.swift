import Dispatch
import Glibc
import PostgreSQL
import Synchronization

/// Lets transactions overlap as PostgreSQL lets them, repeatably: of all connections of a run the server executes the statements of one at a time.
///
/// A statement that has to wait for another transaction's lock waits at the server, as it does in production, while its caller waits in virtual time. When a
/// transaction ends, those that can continue do so one after the other, in the order in which they began to wait: as PostgreSQL would wake them all at once,
/// the processes that serve them are stopped (SIGSTOP) while another statement runs. They then sleep in the server's lock queue, and hold nothing that others need.
///
/// Weaker than PostgreSQL: a connection continues only when another's statement has ended, never in the middle of it; and a deadlock is reported at once.
final class Interleaving: Sendable {
    private struct Waiter {
        let session: DatabaseSession
        let isAnswered: @Sendable (DispatchTimeInterval) -> Bool
        let resume: @Sendable () -> Void
    }

    /// Real time after which the server is asked whether an unanswered statement is waiting for a lock. A statement that waits for none is answered
    /// sooner, as a rule; where it takes longer, asking changes nothing.
    private static let glance: DispatchTimeInterval = .milliseconds(2)

    /// Connected to another database than that of the run, so that its queries do not keep the run's dead rows.
    private let observer: DatabaseSession
    /// In the order in which they began to wait.
    private let waiters = Mutex<[Waiter]>([])
    private let watchdog: Watchdog

    init(observer: DatabaseSession, watchdog: Watchdog) {
        self.observer = observer
        self.watchdog = watchdog
    }

    /// Returns the result of `body`. Suspends the caller while a statement of it waits for a lock; `waiting` is called when that begins.
    /// - Throws: what `body` throws; 40P01 when the wait would never end.
    func run<Result: Sendable>(
        on session: DatabaseSession, waiting: () -> Void, _ body: @escaping @Sendable (any SQLConnection) async throws -> Result
    ) async throws -> Result {
        let answer = try start(body, on: session)
        guard !answer.isThere(within: .nanoseconds(0)) else { return try answer.get() }
        waiting()
        await withCheckedContinuation { continuation in
            let waiter = Waiter(session: session, isAnswered: { answer.isThere(within: $0) }, resume: { continuation.resume() })
            waiters.withLock { $0.append(waiter) }
        }
        return try answer.get()
    }

    /// Blocks the calling thread until `body` has ended or waits for a lock.
    private func start<Result: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) async throws -> Result, on session: DatabaseSession
    ) throws -> DatabaseSession.Answer<Result> {
        let held = hold()
        defer { release(held) }
        watchdog.note(.statement(backend: session.backend))
        let answer = session.start(body)
        if try isOver(session, answer) {
            try wake()
        } else if try isInCircle(session) {
            try cancel(session) { answer.isThere(within: $0) }
            throw PostgresError(.server(sqlState: "40P01"), "deadlock detected")
        }
        return answer
    }

    /// Ends the session's transaction. Blocks the calling thread.
    func end(_ session: DatabaseSession, by statement: SQL) throws {
        let held = hold()
        defer { release(held) }
        watchdog.note(.statement(backend: session.backend))
        let result = Result { try session.run { try await $0.execute(statement) } }
        try wake()
        _ = try result.get()
    }

    /// Aborts the session's wait, if any: its caller is resumed with an error.
    func breakOff(_ session: DatabaseSession) throws {
        guard let waiter = waiters.withLock({ waiters in waiters.firstIndex { $0.session === session }.map { waiters.remove(at: $0) } }) else { return }
        let held = hold()
        defer { release(held) }
        try cancel(waiter.session, isAnswered: waiter.isAnswered)
        waiter.resume()
    }

    func end() {
        observer.end()
    }

    // MARK: Waiting sessions

    /// Stops all of them.
    private func hold() -> [Waiter] {
        let held = waiters.withLock { $0 }
        watchdog.note(waiting: held.map(\.session.backend))
        for waiter in held { kill(waiter.session.backend, SIGSTOP) }
        return held
    }

    private func release(_ held: [Waiter]) {
        for waiter in held { kill(waiter.session.backend, SIGCONT) }
    }

    /// Lets the sessions continue whose locks are free by now, until each has ended or waits again.
    private func wake() throws {
        var ended: [Waiter] = []
        while let waiter = try firstToGoOn() {
            kill(waiter.session.backend, SIGCONT)
            while true {
                if waiter.isAnswered(Self.glance) {
                    waiters.withLock { $0.removeAll { $0.session === waiter.session } }
                    ended.append(waiter)
                    break
                }
                guard try !isWaiting(waiter.session) else {
                    kill(waiter.session.backend, SIGSTOP)
                    break
                }
            }
        }
        for waiter in ended { waiter.resume() }
    }

    private func firstToGoOn() throws -> Waiter? {
        let all = waiters.withLock { $0 }
        guard !all.isEmpty else { return nil }
        let waiting = try backendsThatWait()
        return all.first { !waiting.contains($0.session.backend) }
    }

    // MARK: The server's view

    /// False: it waits for a lock.
    private func isOver<Value>(_ session: DatabaseSession, _ answer: DatabaseSession.Answer<Value>) throws -> Bool {
        while true {
            if answer.isThere(within: Self.glance) { return true }
            if try isWaiting(session) { return false }
        }
    }

    private func isWaiting(_ session: DatabaseSession) throws -> Bool {
        try backendsThatWait().contains(session.backend)
    }

    private func backendsThatWait() throws -> Set<Int32> {
        let rows = try observer.run { try await $0.query("SELECT pid FROM pg_locks WHERE NOT granted") }
        return try Set(rows.map { try $0.decode(0) })
    }

    /// Whether it waits for a session that waits for it.
    private func isInCircle(_ session: DatabaseSession) throws -> Bool {
        let backend = session.backend
        return try observer.run { connection in
            try await connection.query(
                """
                WITH RECURSIVE chain (pid) AS (
                    SELECT unnest(pg_blocking_pids(\(backend)))
                    UNION SELECT unnest(pg_blocking_pids(chain.pid)) FROM chain
                )
                SELECT 1 FROM chain WHERE pid = \(backend)
                """
            ).count > 0
        }
    }

    /// Its transaction has then failed, and holds no locks any longer.
    private func cancel(_ session: DatabaseSession, isAnswered: (DispatchTimeInterval) -> Bool) throws {
        let backend = session.backend
        repeat {
            _ = try observer.run { try await $0.query("SELECT pg_cancel_backend(\(backend))") }
        } while !isAnswered(.milliseconds(50))
        try wake()
    }
}
