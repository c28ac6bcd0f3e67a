import IOThreads
import Logging
import Synchronization

/// One connection: sends requests in the order in which they came, one at a time, and gives each its answer.
///
/// Its executor is the pool's I/O thread, which also notifies it when its socket is ready; so nothing here ever waits.
actor PostgresConnection: IOHandler {
    /// Requests that may wait for their turn on one connection. They come from tasks that share it, which are few.
    static let maximumWaitingRequests = 1000

    /// What a pool must know without asking the actor.
    enum Condition: UInt8, AtomicRepresentable {
        case ready, busy, inTransaction, closed
    }

    private struct Running {
        let request: Request
        var exchange: any Exchange
        var isCancelled = false
    }

    private enum Phase {
        case new
        case connecting(CheckedContinuation<PostgresError?, Never>)
        case open
        case closed(PostgresError)
    }

    nonisolated private let thread: IOThread
    private let settings: ConnectionSettings
    nonisolated let server: ConnectionSettings.Server
    /// Called repeatedly while an answer is overdue. It must not block.
    private let onSilence: (@Sendable (ConnectionSettings.Server) -> Void)?
    private let logger: Logger
    private let published = Atomic<Condition>(.busy)
    private let turnedReadOnly = Atomic<Bool>(false)

    private var phase = Phase.new
    private var lookup: HostLookup.Call?
    private var link: Link?
    private var running: Running?
    private var waiting: [Request] = []
    private var requests = 0
    /// BEGIN was sent, and the server has not reported the transaction's end.
    var isTransactionOpen = false
    /// While a cancel request is in flight, no other request may start: the wrong one could be cancelled.
    private var isCancelUnderWay = false
    /// The session has the settings that Wharf's statements rely on.
    private var isPrepared = false
    private var interest = IOInterest()
    /// The deadline for the answer to the current request.
    private var answerDeadline = ContinuousClock.now

    init(
        to server: ConnectionSettings.Server, settings: ConnectionSettings, thread: IOThread, logger: Logger,
        onSilence: (@Sendable (ConnectionSettings.Server) -> Void)? = nil
    ) {
        self.server = server
        self.onSilence = onSilence
        self.settings = settings
        self.thread = thread
        self.logger = logger
    }

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
    nonisolated var condition: Condition { published.load(ordering: .acquiring) }
    /// It was ended because its server no longer accepts writes; other connections to the same server are of no more use.
    nonisolated var hasTurnedReadOnly: Bool { turnedReadOnly.load(ordering: .acquiring) }

    nonisolated func socketIsReady() {
        assumeIsolated { $0.advance() }
    }

    nonisolated func deadlineHasPassed() {
        assumeIsolated { $0.giveUp() }
    }

    // MARK: Life

    /// The settings' connect timeout bounds looking up the server's name and connecting together, and, separately, preparing the session.
    func connect() async throws(PostgresError) {
        guard !Task.isCancelled else { throw .cancelled }
        interest.deadline = .now + settings.connectTimeout
        let error = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                phase = .connecting(continuation)
                guard let host = server.hostName else { return startConnecting(at: []) }
                thread.watch(self, interest)
                lookup = settings.lookup.start(host) { [self] outcome in thread.call { self.assumeIsolated { $0.lookedUp(outcome) } } }
            }
        } onCancel: {
            thread.call { self.assumeIsolated { $0.end(.cancelled) } }
        }
        if let error { throw error }
        try await prepareSession()
    }

    private func lookedUp(_ outcome: HostLookup.Outcome) {
        lookup = nil
        guard isConnecting else { return }
        switch outcome {
        case .success(let addresses): startConnecting(at: addresses)
        case .failure(let error): end(PostgresError(lookup: error))
        }
    }

    private func startConnecting(at addresses: [String]) {
        do throws(PostgresError) {
            let link = try Link(to: server, at: addresses, statementCacheSize: settings.statementCacheSize)
            // A local socket is refused at once, so there is nothing to wait for.
            guard !link.isBroken else { throw link.connectFailure }
            self.link = link
            // libpq's documentation: at first, behave as if it were waiting to write.
            watch(toWrite: true)
        } catch {
            end(error)
        }
    }

    /// Asks the session whether it has the settings that Wharf's statements rely on. A missing one ends it.
    private func prepareSession() async throws(PostgresError) {
        do throws(PostgresError) {
            let answers = try await perform(.statements(settings.session.preparation, isInTransaction: false)).get()
            if let trouble = try settings.session.trouble(in: answers) { throw trouble }
            isPrepared = true
            logger.debug("connected to PostgreSQL", metadata: [LogKey.backend: "\(link?.backend ?? 0)", LogKey.server: "\(server.name)"])
        } catch {
            end(error)
            throw error
        }
    }

    private func continueConnecting(_ link: Link, _ continuation: CheckedContinuation<PostgresError?, Never>) {
        do throws(PostgresError) {
            switch try link.continueConnecting() {
            case .waiting(let toWrite): watch(toWrite: toWrite)
            case .ready:
                phase = .open
                interest.deadline = nil
                published.store(.ready, ordering: .releasing)
                watch(toWrite: false)
                continuation.resume(returning: nil)
            }
        } catch {
            end(error)
        }
    }

    func close() {
        end(.closed)
    }

    /// Ends it because its server has been found silent.
    func abandon() {
        end(PostgresError(.connection, "PostgreSQL at \(server.name) does not answer, and accepts no connection"))
    }

    /// Ends the connection and everything that depends on it.
    private func end(_ reason: PostgresError) {
        if case .closed = phase { return }
        let before = phase
        phase = .closed(reason)
        published.store(.closed, ordering: .releasing)
        link = nil
        if let lookup { settings.lookup.withdraw(lookup) }
        lookup = nil
        thread.forget(self)
        if let running {
            var outcome = running.exchange.outcome
            outcome.error = running.isCancelled ? .cancelled : outcome.error ?? reason
            outcome.isSent = true
            outcome.isCutShort = true
            running.request.continuation.resume(returning: outcome)
        }
        for request in waiting { request.continuation.resume(returning: Outcome(error: reason)) }
        running = nil
        waiting = []
        switch before {
        case .connecting(let continuation): continuation.resume(returning: reason)
        case .open where reason.code != .poolClosed: logger.info("lost a connection to PostgreSQL", metadata: [LogKey.error: "\(reason)"])
        case .new, .open, .closed: break
        }
    }

    private var answerTimeout: Duration { isPrepared ? settings.responseTimeout : settings.connectTimeout }

    private var lost: PostgresError {
        link?.error(.connection, doing: "the connection to PostgreSQL was lost") ?? .closed
    }

    private func giveUp() {
        if lookup != nil, let host = server.hostName {
            end(PostgresError(lookup: .late(host, settings.connectTimeout)))
        } else if case .connecting = phase {
            end(PostgresError(.connection, "PostgreSQL did not accept a connection within \(settings.connectTimeout)"))
        } else if isCancelUnderWay || running?.isCancelled == true {
            end(PostgresError(.connection, "PostgreSQL did not stop a cancelled statement within \(ConnectionSettings.cancelTimeout)"))
        } else if running != nil {
            guard .now < answerDeadline, let onSilence, let link else {
                return end(PostgresError(.connection, "PostgreSQL did not answer within \(answerTimeout)"))
            }
            onSilence(server)
            interest.deadline = nextDeadline
            watch(toWrite: link.wantsToWrite)
        }
    }

    /// When the current request is next checked.
    private var nextDeadline: ContinuousClock.Instant {
        guard isPrepared, onSilence != nil, let doubtTimeout = settings.doubtTimeout else { return answerDeadline }
        return min(answerDeadline, .now + doubtTimeout)
    }

    // MARK: Requests

    /// Waits for its turn, then for the answer. There is always an outcome: the answer, or why there is none.
    func perform(_ work: Request.Work, isCancellable: Bool = true) async -> Outcome {
        if case .closed(let reason) = phase { return Outcome(error: reason) }
        guard !isCancellable || !Task.isCancelled else { return Outcome(error: .cancelled) }
        guard waiting.count < Self.maximumWaitingRequests else {
            return Outcome(error: PostgresError(.misuse, "\(waiting.count) requests wait for one connection; use several"))
        }
        requests += 1
        let id = requests
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                waiting.append(Request(id: id, work: work, continuation: continuation))
                startNext()
            }
        } onCancel: {
            guard isCancellable else { return }
            thread.call { self.assumeIsolated { $0.cancel(id) } }
        }
    }

    private func startNext() {
        guard running == nil, !isCancelUnderWay, !waiting.isEmpty, let link else { return }
        let request = waiting.removeFirst()
        let opensTransaction = request.work.isInTransaction && !isTransactionOpen
        isTransactionOpen = isTransactionOpen || opensTransaction
        published.store(.busy, ordering: .releasing)
        answerDeadline = .now + answerTimeout
        interest.deadline = nextDeadline
        running = Running(request: request, exchange: request.work.exchange(opensTransaction: opensTransaction))
        withExchange { exchange throws(PostgresError) in
            try exchange.begin(on: link)
            link.flush()
            watch(toWrite: link.wantsToWrite)
        }
    }

    /// Lends the running exchange; what it throws ends the connection.
    private func withExchange(_ body: (inout any Exchange) throws(PostgresError) -> Void) {
        guard var exchange = running?.exchange else { return }
        do throws(PostgresError) {
            defer { running?.exchange = exchange }
            try body(&exchange)
        } catch {
            // What looks like a protocol violation is mostly a connection that breaks.
            end(link?.isBroken == true ? lost : error)
        }
    }

    private func advance() {
        guard let link else { return }
        if case .connecting(let continuation) = phase { return continueConnecting(link, continuation) }
        let isAlive = link.receive()
        if running == nil {
            link.takeUnasked()
            endIfReadOnly()
        }
        var isComplete = false
        withExchange { exchange throws(PostgresError) in isComplete = try exchange.advance(on: link) }
        if isComplete { finish() }
        if !isAlive || link.isBroken {
            end(lost)
        } else if self.link != nil {
            watch(toWrite: link.wantsToWrite)
        }
    }

    private func finish() {
        guard let link, let running else { return }
        self.running = nil
        var outcome = running.exchange.outcome
        outcome.isSent = true
        if running.isCancelled, outcome.error?.sqlState == PostgresError.queryCanceled { outcome.error = .cancelled }
        if !isCancelUnderWay { interest.deadline = nil }
        // The server's state decides: a statement may have ended the transaction.
        isTransactionOpen = isTransactionOpen && link.isInTransaction
        publishCondition(link)
        running.request.continuation.resume(returning: outcome)
        endIfReadOnly(outcome.error)
        startNext()
    }

    /// A session that must write and no longer can ends as soon as no transaction is open, so that the pool looks for a server that accepts writes.
    private func endIfReadOnly(_ error: PostgresError? = nil) {
        guard settings.needsWritable, let link else { return }
        if error?.sqlState == PostgresError.readOnly || link.isReadOnly { turnedReadOnly.store(true, ordering: .releasing) }
        if hasTurnedReadOnly, !link.isInTransaction { end(PostgresError(.connection, "PostgreSQL at \(server.name) takes no writes any more")) }
    }

    private func publishCondition(_ link: Link) {
        let isBusy = isCancelUnderWay || running != nil || !waiting.isEmpty
        published.store(isBusy ? .busy : link.isInTransaction ? .inTransaction : .ready, ordering: .releasing)
    }

    private func watch(toWrite: Bool) {
        guard let link else { return }
        interest.socket = link.socket
        interest.toRead = !isConnecting || !toWrite
        interest.toWrite = toWrite
        thread.watch(self, interest)
    }

    private var isConnecting: Bool {
        if case .connecting = phase { true } else { false }
    }

    // MARK: Cancellation

    private func cancel(_ id: Int) {
        if let index = waiting.firstIndex(where: { $0.id == id }) {
            waiting.remove(at: index).continuation.resume(returning: Outcome(error: .cancelled))
            return
        }
        guard running?.request.id == id, running?.isCancelled == false else { return }
        running?.isCancelled = true
        isCancelUnderWay = true
        interest.deadline = .now + ConnectionSettings.cancelTimeout
        let isSent = link?.cancelHandle()?.send { [self] in thread.call { self.assumeIsolated { $0.cancelHasArrived() } } }
        guard isSent == true else { return end(PostgresError(.connection, "a statement could not be cancelled")) }
        watch(toWrite: link?.wantsToWrite ?? false)
    }

    private func cancelHasArrived() {
        isCancelUnderWay = false
        guard let link else { return }
        if running == nil {
            interest.deadline = nil
            publishCondition(link)
            startNext()
            watch(toWrite: link.wantsToWrite)
        }
    }
}
