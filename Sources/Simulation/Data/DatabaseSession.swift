import Dispatch
import PostgreSQL
import Synchronization

/// One connection to a real PostgreSQL, on which the simulation's thread waits: no other job runs, and no virtual time passes, while a statement runs,
/// so that how long it takes cannot change what happens next.
final class DatabaseSession: Sendable {
    typealias Work = @Sendable (any SQLConnection) async -> Void

    private let work: AsyncStream<Work>.Continuation

    /// Runs until ``end()``, on the system's own executor.
    static func open(on pool: PostgresPool) -> DatabaseSession {
        let (stream, work) = AsyncStream<Work>.makeStream()
        _ = Task {
            try? await pool.withConnection { connection in
                for await job in stream { await job(connection) }
            }
            await pool.close()
        }
        return DatabaseSession(work)
    }

    private init(_ work: AsyncStream<Work>.Continuation) {
        self.work = work
    }

    /// Blocks the calling thread until `body` has ended.
    func run<Result: Sendable>(_ body: @escaping @Sendable (any SQLConnection) async throws -> Result) throws -> Result {
        let answer = Answer<Result>()
        work.yield { connection in
            let result: Swift.Result<Result, any Error>
            do { result = .success(try await body(connection)) } catch { result = .failure(error) }
            answer.give(result)
        }
        return try answer.wait()
    }

    func end() {
        work.finish()
    }

    private final class Answer<Value: Sendable>: Sendable {
        private let value = Mutex<Result<Value, any Error>?>(nil)
        private let semaphore = DispatchSemaphore(value: 0)

        func give(_ result: Result<Value, any Error>) {
            value.withLock { $0 = result }
            semaphore.signal()
        }

        func wait() throws -> Value {
            semaphore.wait()
            guard let result = value.withLock({ $0 }) else { throw PostgresError(.protocolViolation, "a statement was not answered") }
            return try result.get()
        }
    }
}
