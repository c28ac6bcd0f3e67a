import AMQP
import Contracts
import FoundationEssentials
import Logging
import Secrets
import ServiceLifecycle
import Synchronization

/// Sends requests and waits for their replies, over the one reply queue of this process. A `Service`: `run()` reads the replies.
public final class RequestClient: Service {
    /// Requests that wait for a reply at once; one more is refused.
    public static let maximumInFlight = 5_000
    /// How exactly deadlines are kept.
    static let sweepInterval: Duration = .milliseconds(50)
    static let repliesAtOnce = 500

    private enum Slot {
        /// Sent or being sent; nobody waits yet.
        case open(deadline: Date)
        case waiting(CheckedContinuation<Reply, any Error>, deadline: Date)
        /// The reply was faster than the confirm.
        case answered(Reply)
    }

    private struct Entry {
        let operation: String
        let sentAt: Date
        /// The reply queue to which the reply is sent; lost with its connection.
        let address: String
        var slot: Slot
    }

    private struct State {
        var entries: [String: Entry] = [:]
        /// By operation, of which there are as many as the routing table has.
        var paces: [String: Pace] = [:]
        var isStopped = false

        /// Takes an entry out that had no answer.
        mutating func abandon(_ id: String) {
            guard let entry = entries.removeValue(forKey: id) else { return }
            if case .answered = entry.slot { return }
            paces[entry.operation]?.gaveUp()
        }

        mutating func noteAnswer(_ entry: Entry, at now: Date) {
            paces[entry.operation]?.answered(at: now, after: now.timeIntervalSince(entry.sentAt))
        }
    }

    private let state = Mutex(State())
    private let confirmed: any MessagePublisher
    private let unconfirmed: any MessagePublisher
    private let replies: any MessageConsumer
    private let clock: any WallClock
    private let randomness: any Randomness
    private let logger: Logger

    public init(
        confirmed: any MessagePublisher, unconfirmed: any MessagePublisher, replies: any MessageConsumer,
        clock: any WallClock, randomness: any Randomness, logger: Logger
    ) {
        self.confirmed = confirmed
        self.unconfirmed = unconfirmed
        self.replies = replies
        self.clock = clock
        self.randomness = randomness
        self.logger = logger
    }

    /// Why there is no reply.
    public enum Unanswered: Error, Sendable, Equatable {
        /// The broker, the queue or this process takes no more at the moment; nothing was accepted.
        case refused(String)
        /// No queue is bound to the operation.
        case unroutable
        /// The request may have been accepted, but no reply came in time, or none can come any more because the reply queue is lost.
        case timedOut
    }

    public var inFlight: Int { state.withLock { $0.entries.count } }
    /// Whether the broker takes messages at the moment.
    public var isReady: Bool { confirmed.isConnected && unconfirmed.isConnected && !confirmed.isBlocked }

    /// Whether a request could be sent now, and its reply find its way back.
    public var canSend: Bool {
        get async {
            guard isReady else { return false }
            return await replies.replyAddress != nil
        }
    }

    /// The reply to `request`, no later than `timeout` from now; throws `Unanswered` when there is none.
    ///
    /// `.query` and `.command` carry the deadline with them, so that no work is done that nobody waits for; a `.durable` one will be done however late.
    public func send(_ request: Request, durability: Durability, timeout: Duration) async throws -> Reply {
        let now = clock.now()
        let deadline = now.addingTimeInterval(timeout.seconds)
        guard isReady, let address = await replies.replyAddress else {
            throw Unanswered.refused("the broker takes no requests at the moment")
        }
        let correlationID = randomness.uuid().upperCaseText
        try open(correlationID, request.operation, address, at: now, timeout.seconds)
        var request = request
        request.requester = Requester(replyTo: address, correlationID: correlationID)
        if durability != .durable { request.deadline = deadline }
        let publisher = durability == .query ? unconfirmed : confirmed
        let outcome = await publisher.publish([request.publication(durability: durability, now: now)], deadline: timeout)
        if let outcome = outcome.first, let error = Self.unanswered(outcome) {
            close(correlationID)
            throw error
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { wait(correlationID, $0) }
        } onCancel: {
            finish(correlationID, .failure(CancellationError()))
        }
    }

    /// Publishes without asking for a reply; returns when the broker has taken responsibility.
    public func post(_ request: Request, timeout: Duration) async throws {
        let publication = request.publication(durability: .durable, now: clock.now())
        let outcomes = await confirmed.publish([publication], deadline: timeout)
        if let outcome = outcomes.first, let error = Self.unanswered(outcome) { throw error }
    }

    public func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while let deliveries = try? await self.replies.next(limit: Self.repliesAtOnce) {
                    for delivery in deliveries {
                        guard let id = delivery.properties.correlationID else { continue }
                        self.finish(id, .success(Reply(delivery)))
                    }
                }
            }
            group.addTask {
                while (try? await self.clock.sleep(for: Self.sweepInterval)) != nil {
                    self.expire(address: await self.replies.replyAddress)
                }
            }
            group.addTask {
                try? await gracefulShutdown()
                await self.replies.stopConsuming()
            }
            try await group.next()
            group.cancelAll()
            stop()
        }
    }

    static func unanswered(_ outcome: PublishOutcome) -> Unanswered? {
        switch outcome {
        case .confirmed: nil
        case .returned: .unroutable
        case .refused: .refused("the queue is full")
        case .failed(let error):
            switch error.code {
            case .connectionLost, .closedByBroker, .deadlineExceeded: .timedOut
            default: .refused(error.message)
            }
        }
    }
}

// MARK: - Slots

extension RequestClient {
    private func open(_ id: String, _ operation: String, _ address: String, at now: Date, _ timeout: Double) throws(Unanswered) {
        let refusal: Unanswered? = state.withLock { state in
            if state.isStopped { return .refused("shutting down") }
            if state.entries.count >= Self.maximumInFlight { return .refused("too many requests in flight") }
            guard state.paces[operation, default: Pace()].admits(at: now, deadline: timeout) else {
                return .refused("more are asked than can be answered in time")
            }
            let slot = Slot.open(deadline: now.addingTimeInterval(timeout))
            state.entries[id] = Entry(operation: operation, sentAt: now, address: address, slot: slot)
            return nil
        }
        if let refusal { throw refusal }
    }

    private func close(_ id: String) {
        state.withLock { $0.abandon(id) }
    }

    private func wait(_ id: String, _ continuation: CheckedContinuation<Reply, any Error>) {
        let known: Result<Reply, any Error>? = state.withLock { state in
            switch state.entries[id]?.slot {
            case .open(let deadline):
                state.entries[id]?.slot = .waiting(continuation, deadline: deadline)
                return nil
            case .answered(let reply):
                state.entries[id] = nil
                return .success(reply)
            case .waiting, nil:
                return .failure(Unanswered.timedOut)
            }
        }
        if let known { continuation.resume(with: known) }
    }

    private func finish(_ id: String, _ result: Result<Reply, any Error>) {
        let now = clock.now()
        let continuation: CheckedContinuation<Reply, any Error>? = state.withLock { state in
            guard let entry = state.entries[id] else { return nil }
            switch (entry.slot, result) {
            case (.answered, _): return nil
            case (.open, .success(let reply)):
                state.noteAnswer(entry, at: now)
                state.entries[id]?.slot = .answered(reply)
                return nil
            case (.waiting(let continuation, _), .success):
                state.noteAnswer(entry, at: now)
                state.entries[id] = nil
                return continuation
            case (.open, .failure):
                state.abandon(id)
                return nil
            case (.waiting(let continuation, _), .failure):
                state.abandon(id)
                return continuation
            }
        }
        continuation?.resume(with: result)
    }

    /// - Parameter address: of the reply queue that there is now.
    private func expire(address: String?) {
        let now = clock.now()
        let overdue = state.withLock { state in
            state.entries.compactMap { id, entry in
                if case .waiting(_, let deadline) = entry.slot, deadline < now || entry.address != address { return id }
                return nil
            }
        }
        for id in overdue { finish(id, .failure(Unanswered.timedOut)) }
    }

    /// Nothing more will be answered.
    private func stop() {
        let rest = state.withLock { state in
            state.isStopped = true
            return Array(state.entries.keys)
        }
        for id in rest { finish(id, .failure(Unanswered.timedOut)) }
    }
}

extension Duration {
    public var seconds: Double {
        let (whole, attoseconds) = components
        return Double(whole) + Double(attoseconds) / 1e18
    }
}
