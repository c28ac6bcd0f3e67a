import Dispatch
public import IOThreads
import Logging
import ServiceLifecycle
import Synchronization

/// Publishes over a connection of its own, which it keeps open while ``run()`` runs.
///
/// Publications may be made at any time: without a connection, while the broker blocks publishers, and while the window is full, they wait until
/// their deadline. When the connection is lost, everything that was written and not confirmed fails at once, as its outcome is unknown. When the broker closes the
/// channel because it refuses one publication, that one fails, and what else was written and not confirmed is published again.
///
/// On graceful shutdown new publications fail, those under way get their outcome, and the connection is closed. On
/// cancellation those under way fail at once. It runs once.
public final class Publisher: MessagePublisher, Service {
    typealias Waiter = CheckedContinuation<[PublishOutcome], Never>

    private struct State {
        var ledger: PublishLedger<Waiter>
        var connection: AMQPConnection?
        var isBlocked = false
        /// Set while the channel is to be given up: the end of the wait for what is on its way.
        var giveUpAt: ContinuousClock.Instant?
        var isStopping = false
        var isStoppingImmediately = false
        /// When the deadlines are next checked.
        var timer: ContinuousClock.Instant?
        var returnedCount = 0
    }

    private let state: Mutex<State>
    private let configuration: AMQPConfiguration
    private let renewing: (@Sendable () -> AMQPConfiguration?)?
    private let confirms: Bool
    private let onReturn: (@Sendable (ReturnedMessage) -> Void)?
    private let thread: IOThread?
    private let logger: Logger
    private let metrics: PublisherMetrics

    /// How many publications are written before answers are read again.
    private static let publicationsPerTurn = 128
    /// How long a channel that is to be given up waits for confirms. A turn comes at least once a second.
    private static let longestGivingUp: Duration = .milliseconds(500)

    /// - Parameters:
    ///   - renewing: Provides the configuration for each new connection, if its password may change; nil to keep `configuration`.
    ///   - confirms: Whether an outcome waits for the broker's confirm. Without, it is `confirmed` once the message is written.
    ///   - window: How many publications may be written and unconfirmed, at least 1.
    ///   - thread: on which the connection lives; nil makes one for it.
    /// - onReturn: Without confirms: receives each message that no queue accepts. Called on the connection's thread: it must not block.
    public init(
        configuration: AMQPConfiguration,
        renewing: (@Sendable () -> AMQPConfiguration?)? = nil,
        confirms: Bool = true,
        window: Int = 2_000,
        on thread: IOThread? = nil,
        logger: Logger,
        onReturn: (@Sendable (ReturnedMessage) -> Void)? = nil
    ) {
        self.configuration = configuration
        self.renewing = renewing
        self.confirms = confirms
        self.onReturn = onReturn
        self.thread = thread
        self.logger = logger
        metrics = PublisherMetrics(configuration.purpose)
        state = Mutex(State(ledger: PublishLedger(confirms: confirms, window: window)))
    }

    /// Keeps the connection open until graceful shutdown or cancellation. Returns when it is closed.
    ///
    /// - Throws: ``AMQPError`` when the first connection fails for a reason that waiting does not fix, such as a wrong password.
    public func run() async throws {
        try await ConnectionSupervisor(configuration: configuration, renewing: renewing, owner: self, thread: thread, logger: logger).run()
    }

    /// The connection's purpose, its name in metrics.
    public var purpose: String { configuration.purpose }

    public var isConnected: Bool { state.withLock { $0.connection != nil } }

    public var isBlocked: Bool { state.withLock { $0.isBlocked } }

    /// What has been amiss for `limit` or longer though there is a connection, in words for people: confirms that do not come, a queue that refuses everything.
    public func trouble(for limit: Duration) -> String? { state.withLock { $0.ledger.trouble(for: limit, at: .now) } }

    /// How many messages came back because no queue takes them, with and without confirms.
    public var returnedCount: Int { state.withLock { $0.returnedCount } }

    public func publish(_ publications: [Publication], deadline: Duration) async -> [PublishOutcome] {
        guard !publications.isEmpty else { return [] }
        var rejections: [Int: AMQPError] = [:]
        for (index, publication) in publications.enumerated() {
            rejections[index] = PublicationLimits.violation(in: publication)
        }
        let start = ContinuousClock.now
        let outcomes = await withCheckedContinuation { waiter in
            submit(publications, rejections, start + deadline, waiter)
        }
        metrics.record(outcomes, after: .now - start)
        return outcomes
    }

    private func submit(_ publications: [Publication], _ rejections: [Int: AMQPError], _ due: ContinuousClock.Instant, _ waiter: Waiter) {
        var mustSetTimer = false
        var connection: AMQPConnection?
        let outcomes: [PublishOutcome]? = state.withLock { state in
            guard !state.isStopping else {
                return publications.indices.map { .failed(rejections[$0] ?? .stopped("publisher")) }
            }
            if let outcomes = state.ledger.submit(publications, rejections: rejections, deadline: due, waiter: waiter) { return outcomes }
            connection = state.connection
            mustSetTimer = state.timer.map { due < $0 } ?? true
            if mustSetTimer { state.timer = due }
            return nil
        }
        if let outcomes { waiter.resume(returning: outcomes) }
        if mustSetTimer { setTimer(due) }
        connection?.wake()
    }

    private func resume(_ completions: [PublishLedger<Waiter>.Completion]) {
        for completion in completions { completion.waiter.resume(returning: completion.outcomes) }
    }
}

// MARK: - Deadlines

extension Publisher {
    /// One timer for all publications, as a sleeping task for each would stay in the system's timer queue until its full time is
    /// over. It is Dispatch's because deadlines also hold before `run()` and while the connection's thread is held up.
    private func setTimer(_ due: ContinuousClock.Instant) {
        let nanoseconds = max(0, (due - .now) / .nanoseconds(1))
        DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(Int(min(nanoseconds, Self.longestTimer)))) { [weak self] in
            self?.timerFired(due)
        }
    }

    /// A day, in nanoseconds: a longer deadline is checked once a day.
    private static let longestTimer = 86_400e9

    private func timerFired(_ due: ContinuousClock.Instant) {
        let (completions, next) = state.withLock { state -> ([PublishLedger<Waiter>.Completion], ContinuousClock.Instant?) in
            // An earlier deadline was added since, and has a timer of its own.
            guard state.timer == due else { return ([], nil) }
            let completions = state.ledger.expire(.now, unwrittenError: Self.unwrittenError(state))
            state.timer = state.ledger.nextDeadline
            return (completions, state.timer)
        }
        resume(completions)
        if let next { setTimer(next) }
    }

    private static func unwrittenError(_ state: State) -> AMQPError {
        if state.connection == nil {
            AMQPError(.notConnected, "there was no connection to the broker until the deadline", isTransient: true)
        } else if state.isBlocked {
            AMQPError(.blocked, "the broker accepts no publications: free its memory or disk", isTransient: true)
        } else {
            AMQPError(.windowFull, "the broker was too slow to take the message before the deadline", isTransient: true)
        }
    }
}

// MARK: - The connection's side

extension Publisher: ConnectionOwner {
    func prepare(_ channel: ConnectionHandle) throws(AMQPError) {
        if confirms { try channel.selectConfirms() }
    }

    func attach(_ connection: isolated AMQPConnection) {
        let attached: AMQPConnection = connection
        state.withLock { $0.connection = attached }
    }

    var wantsEvents: Bool { true }

    func receive(_ events: [ConnectionEvent]) {
        var unasked: [ReturnedMessage] = []
        let completions = state.withLock { state in
            events.flatMap { event -> [PublishLedger<Waiter>.Completion] in
                switch event {
                case .confirm(let number, let multiple, let accepted):
                    return state.ledger.confirm(number: number, multiple: multiple, accepted: accepted)
                case .returned(let message):
                    state.returnedCount += 1
                    if !confirms { unasked.append(message) } else { _ = state.ledger.returned(message) }
                case .blocked: state.isBlocked = true
                case .unblocked: state.isBlocked = false
                case .delivery: break
                }
                return []
            }
        }
        resume(completions)
        if let onReturn { unasked.forEach(onReturn) }
    }

    func write(on channel: ConnectionHandle) throws(AMQPError) -> WriteProgress {
        let publications = try state.withLock { state throws(AMQPError) -> [Publication] in
            let now = ContinuousClock.now
            if state.giveUpAt == nil, !state.isBlocked, state.ledger.needsNewChannel(at: now) { state.giveUpAt = now + Self.longestGivingUp }
            if let end = state.giveUpAt {
                guard state.ledger.awaitsConfirms, end > now else { throw .uselessChannel }
                return []
            }
            return state.isBlocked || state.isStoppingImmediately ? [] : state.ledger.take(limit: Self.publicationsPerTurn)
        }
        if !publications.isEmpty { try channel.publish(publications) }
        let (completions, progress) = state.withLock { state -> ([PublishLedger<Waiter>.Completion], WriteProgress) in
            let completions = state.ledger.wrote()
            if state.isStoppingImmediately || state.isStopping && state.ledger.isEmpty { return (completions, .finished) }
            return (completions, state.ledger.hasUnwritten && !state.isBlocked && state.giveUpAt == nil ? .more : .idle)
        }
        resume(completions)
        return progress
    }

    func detach(_ error: AMQPError?) {
        resume(
            state.withLock { state in
                state.connection = nil
                state.isBlocked = false
                state.giveUpAt = nil
                return state.ledger.disconnect(error ?? .stopped("publisher"))
            })
    }

    func stop(immediately: Bool) {
        let connection = state.withLock { state in
            state.isStopping = true
            if immediately { state.isStoppingImmediately = true }
            return state.connection
        }
        connection?.wake()
    }

    var isStopping: Bool { state.withLock { $0.isStopping } }

    /// A publication that is refused fails, or is found out next; and another channel is what one that is useless asks for.
    func goesOn(after error: AMQPError) -> Bool { error.isRefusal || error == .uselessChannel }

    func end() {
        resume(
            state.withLock { state in
                state.isStopping = true
                return state.ledger.failAll(.stopped("publisher"))
            })
    }
}
