import CRabbitMQ
import Glibc
import IOThreads
import Synchronization

/// One connection to a broker with one channel, from opening to its end. It is never reopened: a new connection replaces it.
///
/// Everything in it runs on its `IOThread`, except what waits for the broker (``ConnectionOpening``). librabbitmq is not thread-safe: no other thread
/// uses a connection that is open.
actor AMQPConnection {
    nonisolated let thread: IOThread
    private let configuration: AMQPConfiguration
    private let owner: any ConnectionOwner
    nonisolated let generation: UInt64

    private var handle: ConnectionHandle?
    /// The address it is connected to, once it is open.
    private(set) var address: BrokerAddress?
    private var assembly: MessageAssembly
    private var ending: Ending?
    /// Set before ``ending``, which waits for the orderly close.
    private var isEnding = false
    private var endWaiter: CheckedContinuation<Ending, Never>?
    private var interest = IOInterest()
    /// A turn is already scheduled.
    private let isWoken = Atomic<Bool>(false)

    /// How a connection ended.
    enum Ending: Sendable {
        case closed
        case lost(AMQPError)
    }

    /// Distinguishes the connections of this process.
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

    /// Connects, logs in, opens the channel, lets the owner prepare it, and begins to take turns. The thread is free meanwhile.
    func open() async throws(AMQPError) {
        let opened = try await ConnectionOpening.open(configuration, for: owner)
        handle = opened.handle
        address = opened.address
        owner.attach(self)
        turn()
    }

    /// Suspends until the connection is over.
    func untilEnd() async -> Ending {
        if let ending { return ending }
        return await withCheckedContinuation { endWaiter = $0 }
    }

    /// For what needs the open channel on the thread.
    func withHandle<Result: Sendable>(_ body: @Sendable (ConnectionHandle) throws(AMQPError) -> Result) throws(AMQPError) -> Result {
        guard let handle else { throw .connectionLost("it has been closed") }
        return try body(handle)
    }

    private func end(_ ending: Ending) {
        guard !isEnding else { return }
        isEnding = true
        thread.forget(self)
        let handle = handle
        self.handle = nil
        // First, because the orderly close may take a while and pending work gains nothing by waiting for it.
        var canSayGoodbye = true
        switch ending {
        case .closed: owner.detach(nil)
        case .lost(let error):
            owner.detach(error)
            canSayGoodbye = error.leavesConnection
        }
        guard let handle, let address, canSayGoodbye else { return finish(ending) }
        ConnectionOpening.close(.init(handle: handle, address: address), within: configuration.closeTimeout) { [self] in
            thread.call { self.assumeIsolated { $0.finish(ending) } }
        }
    }

    private func finish(_ ending: Ending) {
        self.ending = ending
        endWaiter?.resume(returning: ending)
        endWaiter = nil
    }
}

// MARK: - Turns

extension AMQPConnection: IOHandler {
    /// How many events are gathered before the owner gets them: bounds memory, and lets acknowledgements be written in between.
    private static let eventsPerRound = 1_000

    /// Schedules a turn soon: there is something to write, or room to read. From any thread; cheap when a turn is already scheduled.
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
        // Cleared first, so that a write requested from now on schedules another turn.
        isWoken.store(false, ordering: .sequentiallyConsistent)
        guard !isEnding, let channel = handle else { return }
        var isReadingPaused = false
        var progress = WriteProgress.idle
        do {
            // Reading comes first: librabbitmq waits without bound in a publish when it finds the heartbeat overdue.
            var mayReadMore = false
            repeat {
                isReadingPaused = !owner.wantsEvents
                mayReadMore = isReadingPaused ? false : try !readRound()
                progress = isWritable ? try owner.write(on: channel) : .more
            } while mayReadMore || (progress == .more && isWritable)
        } catch {
            end(.lost(error))
        }
        if progress == .finished { end(.closed) }
        guard let handle else { return }
        var next = interest
        next.toRead = !isReadingPaused
        next.toWrite = progress == .more
        // A negative descriptor is not polled: a hang-up while reading is paused would wake the thread over and over.
        next.socket = next.toRead || next.toWrite ? amqp_get_sockfd(handle.state) : -1
        let deadline = next.deadline ?? .now + turnInterval
        if case .waiting(let due) = progress { next.deadline = min(deadline, due) } else { next.deadline = deadline }
        guard next != interest else { return }
        interest = next
        thread.watch(self, next)
    }

    /// Often enough for librabbitmq to send and to miss heartbeats in time: a third of the heartbeat, and no later than a second after they are due.
    private var turnInterval: Duration {
        min(configuration.heartbeat.held(to: .seconds(1), .seconds(600)) / 3, .seconds(1))
    }

    /// Whether the kernel accepts more bytes now. A broker that has stopped reading must not block this thread.
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
        try handle.check(status, "reading")
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
            amqp_send_method(handle.state, ConnectionHandle.channel, CRABBITMQ_CHANNEL_CLOSE_OK.rawValue, &nothing)
        default:
            break
        }
    }
}
