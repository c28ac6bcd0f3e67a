import CRabbitMQ
import Glibc
import IOThreads
import Synchronization

/// One connection to a broker with one channel, from opening to its end. It is not reopened: a new one takes its place.
///
/// Everything in it runs on its `IOThread`. librabbitmq is not thread-safe and its calls block: no other thread enters it for a connection, and
/// each call holds up the thread, and all who share it, within a bound of the configuration.
actor AMQPConnection {
    nonisolated let thread: IOThread
    private let configuration: AMQPConfiguration
    private let owner: any ConnectionOwner
    nonisolated let generation: UInt64

    private let arena = Arena()
    private var handle: ConnectionHandle?
    private var assembly: MessageAssembly
    private var ending: Ending?
    private var endWaiter: CheckedContinuation<Ending, Never>?
    private var interest = IOInterest()
    /// A turn is due already.
    private let isWoken = Atomic<Bool>(false)

    /// How a connection ended.
    enum Ending: Sendable {
        case closed
        case lost(AMQPError)
    }

    static let channel: amqp_channel_t = 1
    /// Tells the connections of this process apart.
    private static let generations = Atomic<UInt64>(0)

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        thread.asUnownedSerialExecutor()
    }

    init(_ configuration: AMQPConfiguration, on thread: IOThread, for owner: any ConnectionOwner) {
        self.configuration = configuration
        self.thread = thread
        self.owner = owner
        generation = Self.generations.wrappingAdd(1, ordering: .relaxed).newValue
        assembly = MessageAssembly(generation: generation)
    }

    /// Connects, logs in, opens the channel, lets the owner prepare it, and begins to take turns.
    func open() throws(AMQPError) {
        do {
            let handle = try ConnectionHandle(tls: configuration.tls)
            self.handle = handle
            defer { arena.recycle() }
            try handle.open(configuration, properties: arena.table(clientProperties))
            amqp_channel_open(handle.state, Self.channel)
            try check("channel.open")
            try owner.prepare(self)
        } catch {
            sayGoodbye(after: error)
            handle = nil
            throw error
        }
        owner.attach(self)
        turn()
    }

    /// Suspends until the connection is over.
    func untilEnd() async -> Ending {
        if let ending { return ending }
        return await withCheckedContinuation { endWaiter = $0 }
    }

    /// Without the first two capabilities a deleted queue leaves a deaf consumer, and an alarm goes unnoticed.
    private var clientProperties: [String: FieldValue] {
        [
            "product": "wharf",
            "connection_name": .string(configuration.connectionName),
            "capabilities": .table([
                "consumer_cancel_notify": true,
                "connection.blocked": true,
                "authentication_failure_close": true,
                "publisher_confirms": true,
                "basic.nack": true,
            ]),
        ]
    }

    private func end(_ ending: Ending) {
        guard self.ending == nil else { return }
        self.ending = ending
        thread.forget(self)
        // First, as the good-bye may take a while and nothing pending has anything to gain from it.
        switch ending {
        case .closed:
            owner.detach(nil)
            sayGoodbye(after: nil)
        case .lost(let error):
            owner.detach(error)
            sayGoodbye(after: error)
        }
        handle = nil
        endWaiter?.resume(returning: ending)
        endWaiter = nil
    }

    /// Lets the broker know, and waits for its answer within `closeTimeout`, so that it logs no lost connection. There is no one to
    /// tell when the connection itself has failed.
    private func sayGoodbye(after error: AMQPError?) {
        guard let handle, [nil, .notFound, .accessRefused, .closedByBroker].contains(error?.code) else { return }
        handle.setRPCTimeout(configuration.closeTimeout)
        amqp_connection_close(handle.state, Int32(AMQP_REPLY_SUCCESS))
    }
}

// MARK: - Requests

extension AMQPConnection {
    /// librabbitmq's connection, with `arena` at hand until `body` is over.
    func withChannel<Result>(
        _ body: (_ state: amqp_connection_state_t, _ arena: Arena) throws(AMQPError) -> Result
    ) throws(AMQPError) -> Result {
        guard let handle else { throw .connectionLost("it has been closed") }
        defer { arena.recycle() }
        return try body(handle.state, arena)
    }

    /// Throws what the broker, or the library, said to the last request.
    func check(_ action: String) throws(AMQPError) {
        guard let handle else { throw .connectionLost("it has been closed") }
        if let error = handle.lastFailure(during: action) { throw error }
        amqp_maybe_release_buffers(handle.state)
    }

    /// Throws for a negative status, which leaves the connection unusable.
    nonisolated func check(_ status: Int32, _ action: String) throws(AMQPError) {
        guard status < 0 else { return }
        throw .connectionLost("\(action): \(String(cString: amqp_error_string2(status)))")
    }
}

// MARK: - Turns

extension AMQPConnection: IOHandler {
    /// How many events are gathered before the owner gets them: bounds memory, and lets acknowledgements out in between.
    private static let eventsPerRound = 1_000

    /// Makes the connection take a turn soon: there is something to write, or room to read. From any thread; cheap when a turn is due already.
    nonisolated func wake() {
        if !isWoken.exchange(true, ordering: .acquiringAndReleasing) { thread.wake(self) }
    }

    nonisolated func socketIsReady() {
        assumeIsolated { $0.turn() }
    }

    nonisolated func deadlineHasPassed() {
        assumeIsolated { connection in
            connection.interest.deadline = nil
            connection.turn()
        }
    }

    private func turn() {
        // Cleared first, so that whoever has something to write from now on has another turn.
        isWoken.store(false, ordering: .sequentiallyConsistent)
        guard ending == nil else { return }
        var isReadingPaused = false
        var progress = WriteProgress.idle
        do {
            // Reading comes first: librabbitmq waits without bound in a publish when it finds the heartbeat overdue.
            var mayReadMore = false
            repeat {
                isReadingPaused = !owner.wantsEvents
                mayReadMore = isReadingPaused ? false : try !readRound()
                progress = isWritable ? try owner.write(on: self) : .more
            } while mayReadMore || (progress == .more && isWritable)
        } catch {
            end(.lost(error))
        }
        if progress == .finished { end(.closed) }
        guard let handle else { return }
        var next = interest
        next.toRead = !isReadingPaused
        next.toWrite = progress == .more
        // A negative descriptor is not polled: a hang-up while nobody reads would wake the thread over and over.
        next.socket = next.toRead || next.toWrite ? amqp_get_sockfd(handle.state) : -1
        next.deadline = next.deadline ?? .now + turnInterval
        guard next != interest else { return }
        interest = next
        thread.watch(self, next)
    }

    /// Often enough for librabbitmq to send and to miss heartbeats in time: a third of the heartbeat.
    private var turnInterval: Duration {
        configuration.heartbeat.held(to: .seconds(1), .seconds(600)) / 3
    }

    /// Whether the kernel takes more bytes now. A broker that has stopped reading must not stop this thread.
    private var isWritable: Bool {
        guard let handle else { return false }
        var descriptor = pollfd(fd: amqp_get_sockfd(handle.state), events: Int16(POLLOUT), revents: 0)
        return poll(&descriptor, 1, 0) > 0
    }

    /// Hands what has arrived to the owner. True when nothing is left to read.
    private func readRound() throws(AMQPError) -> Bool {
        var events: [ConnectionEvent] = []
        var isDrained = false
        defer { if !events.isEmpty { owner.receive(events) } }
        while events.count < Self.eventsPerRound {
            guard let frame = try nextFrame() else { isDrained = true; break }
            answerClose(frame)
            if let event = try assembly.add(frame) { events.append(event) }
            if let handle { amqp_maybe_release_buffers(handle.state) }
        }
        return isDrained
    }

    private func nextFrame() throws(AMQPError) -> amqp_frame_t? {
        guard let handle else { return nil }
        var frame = amqp_frame_t()
        var now = timeval()
        let status = amqp_simple_wait_frame_noblock(handle.state, &frame, &now)
        if status == AMQP_STATUS_TIMEOUT.rawValue { return nil }
        try check(status, "reading")
        return frame
    }

    /// Answers the broker's close, if this is one: only then does the broker see an orderly end.
    private func answerClose(_ frame: amqp_frame_t) {
        guard let handle, Int32(frame.frame_type) == AMQP_FRAME_METHOD else { return }
        // The answers carry nothing.
        var nothing: UInt64 = 0
        switch frame.payload.method.id {
        case CRABBITMQ_CONNECTION_CLOSE.rawValue:
            amqp_send_method(handle.state, 0, CRABBITMQ_CONNECTION_CLOSE_OK.rawValue, &nothing)
        case CRABBITMQ_CHANNEL_CLOSE.rawValue:
            amqp_send_method(handle.state, Self.channel, CRABBITMQ_CHANNEL_CLOSE_OK.rawValue, &nothing)
        default:
            break
        }
    }
}
