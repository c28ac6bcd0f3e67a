public import IOThreads
import Logging
import ServiceLifecycle
import Synchronization

/// Consumes one queue over a connection of its own, which it keeps open while ``run()`` runs.
///
/// When the connection or the queue is lost it reconnects by itself; unacknowledged messages are then delivered again, and tags
/// from before are ignored.
///
/// On graceful shutdown it stops consuming, writes the acknowledgements given so far and closes: shut the work on its deliveries
/// down first. On cancellation it does the same. It runs once.
public final class Consumer: MessageConsumer, Service {
    /// What is consumed.
    public enum Source: Sendable {
        /// A queue that exists. When it is missing at the first start, ``Consumer/run()`` throws.
        case queue(String)
        /// A queue that lives as long as the connection, bound to these exchanges. Its name is the prefix and 128 random bits, or the broker's choice without
        /// a prefix, and is new after each loss: the broker may not have noticed yet that the connection before is dead. Without a routing key it is bound by
        /// its own name.
        case exclusive(prefix: String? = nil, bindings: [(exchange: String, routingKey: String?)])
    }

    private typealias Waiter = CheckedContinuation<[Delivery], any Error>

    private struct State {
        var queue: DeliveryQueue<Waiter>
        var connection: AMQPConnection?
        var replyAddress: String?
        /// Whether the broker has been asked to stop delivering.
        var isCancelled = false
        var isStopping = false
        var lastWaiterID: UInt64 = 0
    }

    private let state: Mutex<State>
    private let configuration: AMQPConfiguration
    private let renewing: (@Sendable () -> AMQPConfiguration?)?
    public let source: Source
    private let prefetch: UInt16
    private let noAck: Bool
    private let thread: IOThread?
    private let logger: Logger

    /// - Parameters:
    ///   - renewing: Provides the configuration for each new connection, if its password may change; nil to keep `configuration`.
    /// - prefetch: How many deliveries may be unacknowledged, clamped to 1 to 65,535: about the size of a batch. Without effect with `noAck`.
    ///   - noAck: Deliveries count as acknowledged when they are sent; then up to 10,000 gather before the broker is left waiting.
    ///   - thread: on which the connection lives; nil makes one for it.
    public init(
        configuration: AMQPConfiguration, renewing: (@Sendable () -> AMQPConfiguration?)? = nil, source: Source, prefetch: Int, noAck: Bool = false, on thread: IOThread? = nil, logger: Logger
    ) {
        self.configuration = configuration
        self.renewing = renewing
        self.source = source
        self.prefetch = UInt16(clamping: max(1, prefetch))
        self.noAck = noAck
        self.thread = thread
        self.logger = logger
        state = Mutex(State(queue: DeliveryQueue(noAck: noAck, prefetch: prefetch)))
    }

    /// Keeps consuming until graceful shutdown or cancellation. Returns when the connection is closed.
    ///
    /// - Throws: ``AMQPError`` when the first connection fails for a reason that waiting does not fix, such as a queue that does not exist.
    public func run() async throws {
        try await ConnectionSupervisor(configuration: configuration, renewing: renewing, owner: self, thread: thread, logger: logger).run()
    }

    /// The connection's purpose, its name in metrics.
    public var purpose: String { configuration.purpose }

    /// Whether there is a connection.
    public var isConnected: Bool { state.withLock { $0.connection != nil } }

    public var replyAddress: String? { state.withLock { $0.replyAddress } }

    public func next(limit: Int) async throws -> [Delivery] {
        let id = state.withLock { state in
            state.lastWaiterID += 1
            return state.lastWaiterID
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { wait(limit, id, $0) }
        } onCancel: {
            state.withLock { $0.queue.cancelWaiter(id) }?.resume(throwing: CancellationError())
        }
    }

    private func wait(_ limit: Int, _ id: UInt64, _ waiter: Waiter) {
        var connection: AMQPConnection?
        let result: Result<[Delivery], any Error>? = state.withLock { state in
            // Within the lock: a cancellation from here on finds the waiter in the queue.
            if Task.isCancelled { return .failure(CancellationError()) }
            let wasFull = state.queue.isFull
            switch state.queue.next(limit: limit, id: id, waiter: waiter) {
            case .now(let deliveries):
                if wasFull { connection = state.connection }
                return .success(deliveries)
            case .suspended: return nil
            case .stopped: return .failure(AMQPError.stopped("consumer"))
            }
        }
        connection?.wake()
        if let result { waiter.resume(with: result) }
    }

    public func acknowledge(_ tags: [DeliveryTag]) async {
        let connection = state.withLock { state in
            state.queue.acknowledge(tags, now: .now) ? state.connection : nil
        }
        connection?.wake()
    }

    public func reject(_ tags: [DeliveryTag], requeue: Bool) async {
        settle { $0.reject(tags, requeue: requeue) }
    }

    public func release(_ tags: [DeliveryTag]) async {
        settle { $0.release(tags) }
    }

    public func stopConsuming() async {
        stopDeliveries()
    }

    private func settle(_ change: (inout DeliveryQueue<Waiter>) -> Void) {
        let connection = state.withLock { state in
            change(&state.queue)
            return state.connection
        }
        connection?.wake()
    }

    /// - Parameter isEnding: Whether the connection ends as well. Both are set under one lock: otherwise the connection could end in between, and lose the acknowledgements that
    ///   are still held back to be sent together with others.
    private func stopDeliveries(isEnding: Bool = false) {
        let (waiters, connection) = state.withLock { state in
            if isEnding { state.isStopping = true }
            return (state.queue.stop(), state.connection)
        }
        for waiter in waiters { waiter.resume(throwing: AMQPError.stopped("consumer")) }
        connection?.wake()
    }
}

// MARK: - The connection's side

extension Consumer: ConnectionOwner {
    func prepare(_ channel: ConnectionHandle) throws(AMQPError) {
        let isStopped = state.withLock { state in
            state.isCancelled = state.queue.isStopped
            return state.isCancelled
        }
        guard !isStopped else { return }
        switch source {
        case .queue(let name):
            try channel.consume(queue: name, prefetch: prefetch, noAck: noAck)
        case .exclusive(let prefix, let bindings):
            let name = try channel.declareExclusiveQueue(named: prefix.map { $0 + Self.randomName() })
            for binding in bindings {
                try channel.bind(queue: name, exchange: binding.exchange, routingKey: binding.routingKey ?? name)
            }
            try channel.consume(queue: name, prefetch: prefetch, noAck: noAck)
            state.withLock { $0.replyAddress = name }
        }
    }

    /// 128 random bits from the system: the name cannot be guessed, so no other client can declare the queue first.
    private static func randomName() -> String {
        (0..<2).map { _ in String(UInt64.random(in: 0...UInt64.max), radix: 16) }.joined(separator: "-")
    }

    func attach(_ connection: isolated AMQPConnection) {
        let (attached, generation): (AMQPConnection, UInt64) = (connection, connection.generation)
        state.withLock { state in
            state.connection = attached
            state.queue.connected(generation: generation)
        }
    }

    var wantsEvents: Bool { state.withLock { !$0.queue.isFull } }

    func receive(_ events: [ConnectionEvent]) {
        let deliveries = events.compactMap { if case .delivery(let delivery) = $0 { delivery } else { nil } }
        let handovers = state.withLock { $0.queue.receive(deliveries) }
        for handover in handovers { handover.waiter.resume(returning: handover.deliveries) }
    }

    func write(on channel: ConnectionHandle) throws(AMQPError) -> WriteProgress {
        let mustCancel = state.withLock { state in
            defer { state.isCancelled = state.queue.isStopped }
            return state.queue.isStopped && !state.isCancelled
        }
        if mustCancel {
            try channel.cancelConsumer()
            // What has arrived meanwhile is read, and released, first.
            return .more
        }
        let (outbox, isStopping) = state.withLock { ($0.queue.takeOutbox(now: .now), $0.isStopping) }
        try channel.settle(outbox.settlements)
        return isStopping ? .finished : outbox.due.map(WriteProgress.waiting) ?? .idle
    }

    func detach(_ error: AMQPError?) {
        state.withLock { state in
            state.connection = nil
            state.replyAddress = nil
            state.queue.disconnected()
        }
    }

    func stop(immediately: Bool) {
        stopDeliveries(isEnding: true)
    }

    var isStopping: Bool { state.withLock { $0.isStopping } }

    func end() {
        stop(immediately: true)
    }
}
