import Dispatch
import IOThreads
import Logging
import PostgreSQL
import Synchronization

/// One connection to a real PostgreSQL. The simulation's thread waits while its statements run: no other job runs then, and no virtual time passes, so that how
/// long a statement takes cannot change what happens next.
final class DatabaseSession: Sendable {
    typealias Work = @Sendable (any SQLConnection) async -> Void

    /// The server process that serves it.
    let backend: Int32
    private let work: AsyncStream<Work>.Continuation

    /// Real time that a connection or a statement may take. A wait for a lock lasts as long as the run has something else to do, and a busy machine must not
    /// change what happens.
    private static let realTimeLimit: Duration = .seconds(24 * 3600)

    /// Connected when it returns; lasts until ``end()``.
    /// - Throws: `PostgresError`.
    static func open(_ url: String, schema: String? = nil, on thread: IOThread, logger: Logger) throws -> DatabaseSession {
        // Only virtual time passes here, so nothing may time out in real time.
        let pool = try PostgresPool(
            url: url, size: 1, acquisitionTimeout: realTimeLimit, connectTimeout: realTimeLimit, schema: schema, timeouts: .none, responseTimeout: realTimeLimit,
            on: thread, logger: logger)
        let (stream, work) = AsyncStream<Work>.makeStream()
        _ = Task {
            try? await pool.withConnection { connection in
                for await job in stream { await job(connection) }
            }
            await pool.close()
        }
        return try DatabaseSession(work)
    }

    private init(_ work: AsyncStream<Work>.Continuation) throws {
        self.work = work
        backend = try Self.start(on: work) { try await $0.query("SELECT pg_backend_pid()") }.get().first?.decode(0) ?? 0
    }

    /// Blocks the calling thread until `body` has ended.
    func run<Result: Sendable>(_ body: @escaping @Sendable (any SQLConnection) async throws -> Result) throws -> Result {
        try start(body).get()
    }

    /// Runs `body` beside the calling thread.
    func start<Result: Sendable>(_ body: @escaping @Sendable (any SQLConnection) async throws -> Result) -> Answer<Result> {
        Self.start(on: work, body)
    }

    private static func start<Result: Sendable>(
        on work: AsyncStream<Work>.Continuation, _ body: @escaping @Sendable (any SQLConnection) async throws -> Result
    ) -> Answer<Result> {
        let answer = Answer<Result>()
        work.yield { connection in
            let result: Swift.Result<Result, any Error>
            do { result = .success(try await body(connection)) } catch { result = .failure(error) }
            answer.give(result)
        }
        return answer
    }

    func end() {
        work.finish()
    }

    final class Answer<Value: Sendable>: Sendable {
        private let value = Mutex<Result<Value, any Error>?>(nil)
        private let semaphore = DispatchSemaphore(value: 0)

        fileprivate func give(_ result: Result<Value, any Error>) {
            value.withLock { $0 = result }
            semaphore.signal()
        }

        /// Blocks the calling thread for that long at most.
        func isThere(within time: DispatchTimeInterval) -> Bool {
            guard semaphore.wait(timeout: .now() + time) == .success else { return false }
            semaphore.signal()
            return true
        }

        /// Blocks the calling thread until the value is there.
        func get() throws -> Value {
            semaphore.wait()
            semaphore.signal()
            guard let result = value.withLock({ $0 }) else { throw PostgresError(.protocolViolation, "a statement was not answered") }
            return try result.get()
        }
    }
}
