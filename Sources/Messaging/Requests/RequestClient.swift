import AMQP
import Contracts
import FoundationEssentials
import Logging
import Runtime
import Secrets
import ServiceLifecycle
import Synchronization
import Traces
import Tracing

/// Sends requests and waits for their replies on the single reply queue of this process. A `Service`: `run()` reads the replies.
public final class RequestClient: Service {
    /// Requests that wait for a reply at once; one more is rejected.
    public static let maximumInFlight = 5_000
    /// How precisely deadlines are kept.
    static let sweepInterval: Duration = .milliseconds(50)
    static let repliesAtOnce = 500

    private struct Entry {
        let operation: String
        let sentAt: Date
        let deadline: Date
        /// The reply queue that the reply is sent to; lost with its connection.
        let address: String
        let continuation: CheckedContinuation<Reply, any Error>
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var second = SecondReplies()
        /// By operation, of which there are as many as the routing table has.
        var paces: [String: AdmissionControl] = [:]
        var silence = ReplySilence()
        var isStopped = false
    }

    private let state = Mutex(State())
    private let commands: PublishQueue
    private let queries: PublishQueue
    private let replies: any MessageConsumer
    let clock: any WallClock
    private let randomness: any Randomness
    private let logger: Logger
    private let tracer: SpanTracer?
    /// Yields when something begins to wait; it holds at most one element.
    private let (waits, wait) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// - Parameters:
    ///   - commands: Publishes what must not be lost; confirms.
    ///   - queries: Publishes queries; confirms, too: their queues are bounded, and without confirms the broker silently drops what a full queue rejects.
    ///     Not the same as `commands`, whose confirms wait for the disk.
    ///   - tracer: Nil where nothing is traced.
    public init(
        commands: any MessagePublisher, queries: any MessagePublisher, replies: any MessageConsumer,
        clock: any WallClock, randomness: any Randomness, logger: Logger, tracer: SpanTracer? = nil
    ) {
        self.commands = PublishQueue(commands, clock: clock)
        self.queries = PublishQueue(queries, clock: clock)
        self.replies = replies
        self.clock = clock
        self.randomness = randomness
        self.logger = logger
        self.tracer = tracer
    }

    public var inFlight: Int { state.withLock { $0.entries.count + $0.second.count } }
    /// Whether the broker accepts messages at the moment.
    public var isReady: Bool {
        [commands.publisher, queries.publisher].allSatisfy { $0.isConnected && !$0.isBlocked }
    }

    /// The problem in words for an operator if requests go unanswered; nil while replies arrive.
    public var silence: String? { state.withLock { $0.silence.trouble(at: clock.now()) } }

    /// Whether the connections that a request and its reply need are open, even if the broker accepts no messages at the moment.
    public var isConnected: Bool {
        get async {
            guard [commands.publisher, queries.publisher].allSatisfy(\.isConnected) else { return false }
            return await replies.replyAddress != nil
        }
    }

    /// Whether a request could be sent now and its reply received.
    public var canSend: Bool {
        get async { await openAddress != nil }
    }

    /// The reply queue; nil unless a request could be sent now and its reply received.
    private var openAddress: String? {
        get async { isReady ? await replies.replyAddress : nil }
    }

    /// Returns the reply to `request`, no later than `timeout` from now; throws `Unanswered` when there is none.
    ///
    /// `.query` and `.command` carry the deadline with them, so that no work is done that has no requester left; a `.durable` one is done however late.
    public func send(_ request: Request, durability: Durability, timeout: Duration) async throws -> Reply {
        let now = clock.now()
        let deadline = now.addingTimeInterval(timeout.seconds)
        guard let address = await openAddress else {
            throw Unanswered.refused("the broker accepts no requests at the moment")
        }
        let correlationID = randomness.uuid().upperCaseText
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let entry = Entry(
                    operation: request.operation, sentAt: now, deadline: deadline, address: address, continuation: continuation)
                if let refusal = open(correlationID, entry, timeout.seconds) { return continuation.resume(throwing: refusal) }
                guard !Task.isCancelled else { return finish(correlationID, .failure(CancellationError())) }
                var request = request
                request.requester = Requester(replyTo: address, correlationID: correlationID, opensBundles: true)
                if durability != .durable { request.deadline = deadline }
                let publishQueue = durability == .query ? queries : commands
                var publication = request.publication(durability: durability, now: now)
                let ended = traced(&publication)
                publishQueue.add(publication, deadline: deadline) { outcome in
                    ended(outcome)
                    // Once sent, it waits for the reply.
                    if let error = Self.unanswered(outcome) { self.finish(correlationID, .failure(error)) }
                }
            }
        } onCancel: {
            finish(correlationID, .failure(CancellationError()))
        }
    }

    /// Returns the second reply that `first` announces, about the work that it accepts; nil when it announces none, or when none has arrived by the time
    /// that it announces.
    public func second(after first: Reply) async -> Reply? {
        guard let id = first.correlationID else { return nil }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (waits, here) = state.withLock { $0.second.wait(for: id, continuation) }
                if !waits { return continuation.resume(returning: here) }
                if Task.isCancelled { giveUp(second: id) }
            }
        } onCancel: {
            giveUp(second: id)
        }
    }

    /// Publishes without asking for a reply; returns when the broker has taken responsibility.
    public func post(_ request: Request, timeout: Duration) async throws {
        let now = clock.now()
        var publication = request.publication(durability: .durable, now: now)
        let ended = traced(&publication)
        let sent = publication
        let outcome = await withCheckedContinuation { continuation in
            commands.add(sent, deadline: now.addingTimeInterval(timeout.seconds)) { continuation.resume(returning: $0) }
            wait.yield()
        }
        ended(outcome)
        if let error = Self.unanswered(outcome) { throw error }
    }

    /// Begins the span of a publication, below the span that it names or the caller's span; the result ends it.
    private func traced(_ publication: inout Publication) -> @Sendable (PublishOutcome) -> Void {
        guard let tracer else { return { _ in } }
        if publication.properties.headers[HeaderName.traceparent] == nil, let trace = InstrumentationContext.current?.trace {
            publication.properties.headers[HeaderName.traceparent] = .string(trace.header)
        }
        let span = tracer.begin(sending: &publication)
        return { tracer.end(span, $0) }
    }

    public func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for publishQueue in [commands, queries] { group.addTask { await publishQueue.run() } }
            group.addTask {
                while let deliveries = try? await self.replies.next(limit: Self.repliesAtOnce) {
                    for delivery in deliveries.flatMap(Bundle.open) {
                        guard let id = delivery.properties.correlationID else { continue }
                        self.finish(id, .success(Reply(delivery)))
                    }
                }
            }
            group.addTask { await self.sweep() }
            group.addTask {
                try? await gracefulShutdown()
                await self.replies.stopConsuming()
            }
            try await group.next()
            group.cancelAll()
            stop()
        }
    }

    /// Ends what has waited for too long. It sleeps only while something waits, so that no timer wakes up an idle process.
    private func sweep() async {
        for await _ in waits {
            repeat {
                guard (try? await clock.sleep(for: Self.sweepInterval)) != nil else { return }
                commands.expire()
                queries.expire()
                expire(address: await replies.replyAddress)
            } while inFlight > 0 || commands.isWaiting || queries.isWaiting
        }
    }
}

// MARK: - Waiting requests

extension RequestClient {
    /// Admits a request, or returns why not.
    private func open(_ id: String, _ entry: Entry, _ timeout: Double) -> Unanswered? {
        state.withLock { state in
            if state.isStopped { return .refused("shutting down") }
            if state.entries.count + state.second.count >= Self.maximumInFlight { return .refused("too many requests in flight") }
            guard state.paces[entry.operation, default: AdmissionControl()].admits(at: entry.sentAt, deadline: timeout) else {
                return .refused("more requests than can be answered in time")
            }
            state.entries[id] = entry
            wait.yield()
            return nil
        }
    }

    /// Gives the waiting caller the first of several results.
    private func finish(_ id: String, _ result: Result<Reply, any Error>) {
        let now = clock.now()
        var result = result
        var waiting: CheckedContinuation<Reply?, Never>?
        let entry: Entry? = state.withLock { state in
            guard let entry = state.entries.removeValue(forKey: id) else {
                // A repeated one is the first once more, from another delivery of the request.
                if case .success(let reply) = result, !reply.isReplayed { waiting = state.second.arrive(reply, for: id) }
                return nil
            }
            switch result {
            case .success(var reply):
                state.silence.replied()
                if let until = reply.settlesUntil {
                    state.second.expect(id, until: until, at: entry.address)
                    reply.correlationID = id
                    result = .success(reply)
                }
                state.paces[entry.operation]?.answered(at: now, after: now.timeIntervalSince(entry.sentAt))
            case .failure: state.paces[entry.operation]?.gaveUp()
            }
            return entry
        }
        entry?.continuation.resume(with: result)
        if case .success(let reply) = result { waiting?.resume(returning: reply) }
    }

    private func giveUp(second id: String) {
        state.withLock { $0.second.giveUp(id) }?.resume(returning: nil)
    }

    /// - Parameter address: the current reply queue.
    private func expire(address: String?) {
        let now = clock.now()
        let (overdue, second) = state.withLock { state in
            let overdue = state.entries.filter { $0.value.deadline < now || $0.value.address != address }
            for entry in overdue.values where entry.deadline < now { state.silence.timedOut(sentAt: entry.sentAt, at: now) }
            return (overdue.map(\.key), state.second.overdue(at: now, address: address))
        }
        for id in overdue { finish(id, .failure(Unanswered.timedOut)) }
        for id in second { giveUp(second: id) }
    }

    /// Nothing more will be answered.
    private func stop() {
        let (rest, second) = state.withLock { state in
            state.isStopped = true
            return (Array(state.entries.keys), state.second.ids)
        }
        for id in rest { finish(id, .failure(Unanswered.timedOut)) }
        for id in second { giveUp(second: id) }
    }
}

extension Duration {
    public var seconds: Double {
        let (whole, attoseconds) = components
        return Double(whole) + Double(attoseconds) / 1e18
    }
}
