public import IOThreads
public import Logging
public import ServiceLifecycle
import Synchronization

/// A bounded set of connections to one database, made when they are needed, kept, and replaced when they break.
///
/// A pool that writes uses only a server that accepts writes. Where the URL names several servers they are tried in turn, the one that served last first; a
/// session that turns read-only is ended, and the idle ones with it, so that the pool looks for another server. Under `run()` it also detects when one of
/// several servers has fallen silent, and ends all connections to it.
///
/// All connections live on one I/O thread, which waits for their sockets; callers suspend. Under `run()` the pool is closed when the service shuts
/// down; without it (tests, commands) call `close()`, or release the pool.
public final class PostgresPool: Database, Service {
    /// How long `close()` waits for connections that are lent before it ends them.
    public static let closeTimeout: Duration = .seconds(10)

    /// How the pool is used at this moment.
    public struct Usage: Sendable {
        /// Connections lent to callers, or being made for them.
        public let lent: Int
        /// Idle connections.
        public let atRest: Int
        /// Callers that wait for a connection.
        public let waiting: Int
    }

    enum Grant {
        case connection(PostgresConnection)
        case place
        case refused(PostgresError)
    }

    typealias Waiter = CheckedContinuation<Grant, Never>

    private struct Shared {
        var state: PoolState<PostgresConnection, Waiter>
        var lent: [ObjectIdentifier: PostgresConnection] = [:]
        var closers: [CheckedContinuation<Void, Never>] = []
        var closeDeadline: ContinuousClock.Instant?
        var waits = 0

        var nextDeadline: ContinuousClock.Instant? { [state.nextDeadline, closeDeadline].compactMap(\.self).min() }
    }

    private let settings: ConnectionSettings
    private let renewing: (@Sendable () -> String)?
    private let acquisitionTimeout: Duration
    private let logger: Logger
    private let thread: IOThread
    private let shared: Mutex<Shared>
    /// The place, among the settings' servers, of the one that served last.
    private let preferredServer = Atomic<Int>(0)
    /// Servers whose answer is overdue.
    private let (doubts, doubt) = AsyncStream.makeStream(of: ConnectionSettings.Server.self, bufferingPolicy: .bufferingNewest(1))

    /// Connects to nothing yet. Throws `PostgresError` with code `.configuration` when the URL cannot be read.
    ///
    /// - Parameters:
    ///   - url: what libpq takes: `postgres://user:password@host:port,host:port/database?sslmode=verify-full&…`. Its own parameters go before the
    ///     defaults chosen here.
    ///   - renewing: provides the URL for each new connection, if its user and password may change; the rest of it is ignored. nil to keep `url`.
    /// - access: whether a server must accept writes; the URL's own `target_session_attrs` takes precedence where it is given.
    ///   - allowsPlainText: whether a host may be spoken to without TLS. To others `sslmode` is `verify-full` unless the URL itself gives another; the
    ///     certificate is checked against the system's authorities unless it gives `sslrootcert`. This machine is always allowed.
    ///   - size: connections at most.
    ///   - maximumWaiters: callers that may wait for one; a further one fails at once with `.poolExhausted`.
    ///   - acquisitionTimeout: how long they wait before they fail with `.acquisitionTimeout`.
    ///   - connectTimeout: how long connecting to each server in the URL may take, including the lookup of its name.
    ///   - schema: where unqualified names lead, before `public` (which holds extensions); nil leaves it to the server.
    /// - keepsToIndexes: no table is scanned where an index can answer. For services: a statement is planned once, whatever its values,
    /// and a plan made while a table was small would scan it after it has grown.
    /// - timeouts: how long a session may hold locks, and wait for them.
    ///   - statementTimeout: after it the server cancels a statement (SQLSTATE 57014); nil leaves it to the server.
    /// - responseTimeout: after it a connection whose server does not answer is dropped. The fallback for statementTimeout, and longer.
    ///   - thread: on which the connections live; nil makes one for the pool.
    ///   - statementCacheSize: prepared statements kept on each connection; 0 prepares none, as poolers such as PgBouncer may need.
    public init(
        url: String, renewing: (@Sendable () -> String)? = nil, access: Access = .readWrite, allowsPlainText: (String) -> Bool = { _ in false },
        size: Int = 4, maximumWaiters: Int = 1000, acquisitionTimeout: Duration = .seconds(5), connectTimeout: Duration = .seconds(3),
        applicationName: String = "wharf", schema: String? = nil, keepsToIndexes: Bool = false, timeouts: SessionTimeouts = .standard,
        statementTimeout: Duration? = nil, responseTimeout: Duration = .seconds(60),
        statementCacheSize: Int = 256, on thread: IOThread? = nil, logger: Logger
    ) throws(PostgresError) {
        guard size > 0, maximumWaiters >= 0 else { throw PostgresError(.configuration, "a pool needs room for a connection") }
        settings = try ConnectionSettings(
            url: url, access: access, allowsPlainText: allowsPlainText, applicationName: applicationName,
            session: Session(schema: schema, keepsToIndexes: keepsToIndexes, timeouts: access == .read ? .none : timeouts, statementTimeout: statementTimeout),
            connectTimeout: connectTimeout, responseTimeout: responseTimeout, statementCacheSize: statementCacheSize)
        self.renewing = renewing
        self.acquisitionTimeout = acquisitionTimeout
        self.logger = logger
        do throws(IOThreadError) {
            self.thread = if let thread { thread } else { try IOThread(named: "postgres-io") }
        } catch {
            throw PostgresError(.connection, error.message)
        }
        shared = Mutex(Shared(state: PoolState(size: size, maximumWaiters: maximumWaiters)))
    }

    /// One more connection in addition to those of `pool`, which are all lent.
    private init(beside pool: PostgresPool) {
        (settings, renewing, acquisitionTimeout, logger, thread) = (pool.settings, pool.renewing, pool.acquisitionTimeout, pool.logger, pool.thread)
        shared = Mutex(Shared(state: PoolState(size: 1, maximumWaiters: 0)))
        preferredServer.store(pool.preferredServer.load(ordering: .relaxed), ordering: .relaxed)
    }

    /// Returns when the server has answered. While all connections are lent, which is no fault of the server, an additional one asks and is closed again.
    public nonisolated(nonsending) func probe() async throws {
        let isBusy = shared.withLock { $0.state.atRest.isEmpty && $0.state.placesTaken >= $0.state.size && !$0.state.isClosed }
        guard isBusy else {
            _ = try await withConnection { try await $0.query("SELECT 1").count }
            return
        }
        let other = PostgresPool(beside: self)
        do {
            _ = try await other.withConnection { try await $0.query("SELECT 1").count }
        } catch let error as PostgresError where error.sqlState == Self.tooManyConnections {
            // The server answers on the pool's own connections.
        } catch {
            await other.close()
            throw error
        }
        await other.close()
    }

    private static let tooManyConnections = "53300"

    public var usage: Usage {
        shared.withLock { Usage(lent: $0.state.placesTaken, atRest: $0.state.atRest.count, waiting: $0.state.waiters.count) }
    }

    public nonisolated(nonsending) func withConnection<Result: Sendable>(
        _ body: nonisolated(nonsending) (any SQLConnection) async throws -> Result
    ) async throws -> Result {
        let connection = try await acquire()
        let lease = Lease(of: connection, isTransaction: false)
        do {
            let result = try await body(lease)
            await giveBack(connection, ending: lease)
            return result
        } catch {
            await giveBack(connection, ending: lease)
            throw error
        }
    }

    public nonisolated(nonsending) func transaction<Result: Sendable>(
        _ body: nonisolated(nonsending) (any SQLConnection) async throws -> Result
    ) async throws -> Result {
        let connection = try await acquire()
        let lease = Lease(of: connection, isTransaction: true)
        do {
            let result = try await body(lease)
            try await connection.commit(after: lease.end())
            await giveBack(connection, ending: lease)
            return result
        } catch {
            await giveBack(connection, ending: lease)
            throw error
        }
    }

    /// Keeps the pool until the service shuts down, then closes it.
    public func run() async throws {
        // Cancelled or shut down: either way it is time to close.
        await cancelWhenGracefulShutdown {
            for await server in self.doubts { await self.examine(server) }
        }
        await close()
    }

    /// Asks a server whose answer is overdue for a connection. If that gets no answer either, it is frozen, or cut off by something that swallows packets:
    /// nothing ends its connections for a long time, and another one may have been promoted already.
    private func examine(_ server: ConnectionSettings.Server) async {
        let start = ContinuousClock.now
        let probe = PostgresConnection(to: server, settings: settings, thread: thread, logger: logger)
        do throws(PostgresError) {
            try await probe.connect()
            return await probe.close()
        } catch {
            guard isSilence(error, since: start), !error.isLookup else { return }
        }
        logger.warning("PostgreSQL is silent: its connections are given up", metadata: [LogKey.server: "\(server.name)"])
        if let place = settings.servers.firstIndex(where: { $0.name == server.name }) { passOver(place) }
        let (lent, atRest) = shared.withLock { (Array($0.lent.values), $0.state.dismissAtRest()) }
        for connection in lent where connection.server.name == server.name { await connection.abandon() }
        for connection in atRest { await connection.close() }
    }

    /// Whether the server has not answered at all: a refusal of any kind arrives sooner.
    private func isSilence(_ error: PostgresError, since start: ContinuousClock.Instant) -> Bool {
        error.code == .connection && .now - start >= settings.connectTimeout
    }

    /// From now on the next server is tried first, unless another one is already.
    private func passOver(_ place: Int) {
        _ = preferredServer.compareExchange(expected: place, desired: (place + 1) % settings.servers.count, ordering: .relaxed)
    }

    /// Lends nothing from now on, waits until what is lent has come back (at most `closeTimeout`), and closes all connections.
    public func close() async {
        let (connections, waiters) = shared.withLock { $0.state.close() }
        for waiter in waiters { waiter.resume(returning: .refused(.closed)) }
        for connection in connections { await connection.close() }
        await withCheckedContinuation { closer in
            let isUnused = shared.withLock { shared in
                guard !shared.state.isUnused else { return true }
                shared.closers.append(closer)
                shared.closeDeadline = shared.closeDeadline ?? .now + Self.closeTimeout
                watch(shared)
                return false
            }
            if isUnused { closer.resume() }
        }
    }

    // MARK: Lending

    private nonisolated(nonsending) func acquire() async throws(PostgresError) -> PostgresConnection {
        let atOnce = shared.withLock { grantAtOnce(&$0) }
        let grant = if let atOnce { atOnce } else { await waitForGrant() }
        switch grant {
        case .connection(let connection): return connection
        case .refused(let error): throw error
        case .place: return try await connect()
        }
    }

    /// nil: the caller must wait.
    private func grantAtOnce(_ shared: inout Shared) -> Grant? {
        switch shared.state.acquire(isUsable: { $0.condition == .ready }) {
        case .connection(let connection):
            shared.lent[ObjectIdentifier(connection)] = connection
            return .connection(connection)
        case .place: return .place
        case .mustWait: return nil
        case .isFull: return .refused(PostgresError(.poolExhausted, "\(shared.state.maximumWaiters) callers wait for a connection already"))
        case .isClosed: return .refused(.closed)
        }
    }

    private nonisolated(nonsending) func waitForGrant() async -> Grant {
        let id = shared.withLock { shared in
            shared.waits += 1
            return shared.waits
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                let atOnce = shared.withLock { shared in
                    // A connection may have been returned since the first try.
                    if let grant = grantAtOnce(&shared) { return Grant?.some(grant) }
                    shared.state.wait(.init(id: id, waiter: waiter, deadline: .now + acquisitionTimeout))
                    if shared.state.waiters.count == 1 { watch(shared) }
                    return nil
                }
                if let atOnce { waiter.resume(returning: atOnce) }
                // If the handler ran before, it found no waiter.
                if Task.isCancelled { stopWaiting(id) }
            }
        } onCancel: {
            stopWaiting(id)
        }
    }

    private func stopWaiting(_ id: Int) {
        shared.withLock { $0.state.remove(id) }?.resume(returning: .refused(.cancelled))
    }

    /// Tries one server after the other, beginning with the one that served last.
    private nonisolated(nonsending) func connect() async throws(PostgresError) -> PostgresConnection {
        let settings = renewing.map { self.settings.withCredentials(of: $0()) } ?? self.settings
        var refusals: [(server: String, error: PostgresError)] = []
        let first = preferredServer.load(ordering: .relaxed)
        let places = settings.servers.indices.map { (first + $0) % settings.servers.count }
        for place in places {
            let server = settings.servers[place]
            let connection = PostgresConnection(to: server, settings: settings, thread: thread, logger: logger) { [doubt] in doubt.yield($0) }
            let start = ContinuousClock.now
            let isClosed = shared.withLock { shared in
                shared.lent[ObjectIdentifier(connection)] = connection
                return shared.state.isClosed
            }
            do throws(PostgresError) {
                if isClosed { throw .closed }
                try await connection.connect()
                preferredServer.store(place, ordering: .relaxed)
                return connection
            } catch {
                refusals.append((server.name, error))
                if isSilence(error, since: start) { passOver(place) }
                let isLast = place == places.last || error.code == .cancelled || error.code == .poolClosed
                guard !isLast else {
                    handOver(nil, from: connection)
                    throw refusals.count == 1 || error.code != .connection ? error : .noServer(refusals)
                }
                shared.withLock { $0.lent[ObjectIdentifier(connection)] = nil }
            }
        }
        // There is always a server to try: not reached.
        throw .closed
    }

    private nonisolated(nonsending) func giveBack(_ connection: PostgresConnection, ending lease: Lease) async {
        lease.end()
        var isReusable = connection.condition == .ready
        if !isReusable { isReusable = await connection.reset() }
        if connection.hasTurnedReadOnly {
            for other in shared.withLock({ $0.state.dismissAtRest() }) { await other.close() }
        }
        if isReusable {
            if !handOver(connection, from: connection) { await connection.close() }
        } else {
            await connection.close()
            handOver(nil, from: connection)
        }
    }

    /// Passes on a connection, or the place of one that is gone. False: it may not be lent, and must be closed.
    @discardableResult
    private func handOver(_ reusable: PostgresConnection?, from connection: PostgresConnection) -> Bool {
        let (handover, closers) = shared.withLock { shared in
            shared.lent[ObjectIdentifier(connection)] = nil
            let handover = if let reusable { shared.state.giveBack(reusable) } else { shared.state.giveBackPlace() }
            if case .give = handover, let reusable { shared.lent[ObjectIdentifier(reusable)] = reusable }
            var closers: [CheckedContinuation<Void, Never>] = []
            if shared.state.isClosed, shared.state.isUnused { swap(&closers, &shared.closers) }
            return (handover, closers)
        }
        for closer in closers { closer.resume() }
        switch handover {
        case .give(let waiter): waiter.resume(returning: reusable.map { .connection($0) } ?? .place)
        case .rest: break
        case .drop: return false
        }
        return true
    }
}

// MARK: Deadlines

extension PostgresPool: IOHandler {
    private func watch(_ shared: borrowing Shared) {
        thread.watch(self, IOInterest(deadline: shared.nextDeadline))
    }

    package func socketIsReady() {}

    package func deadlineHasPassed() {
        let (overdue, lent, closers) = shared.withLock { shared in
            let overdue = shared.state.takeOverdue(at: .now)
            var lent: [PostgresConnection] = []
            var closers: [CheckedContinuation<Void, Never>] = []
            if let deadline = shared.closeDeadline, deadline <= .now {
                shared.closeDeadline = nil
                lent = Array(shared.lent.values)
                swap(&closers, &shared.closers)
            }
            watch(shared)
            return (overdue, lent, closers)
        }
        let error = PostgresError(.acquisitionTimeout, "no connection became free within \(acquisitionTimeout)")
        for waiter in overdue { waiter.resume(returning: .refused(error)) }
        for connection in lent { connection.assumeIsolated { $0.close() } }
        for closer in closers { closer.resume() }
    }
}
