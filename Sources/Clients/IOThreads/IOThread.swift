/// A thread that waits for the sockets of the actors whose executor it is, and runs their jobs.
///
/// Several clients may share one thread, and with ``taskExecutor`` the tasks that use them as well: then what a socket brings is processed, and
/// answered, without waking a second thread. None of it may wait for anything but poll(2), or all of it waits.
///
/// The thread ends with the last reference. It keeps only a weak reference to this object, and handlers are held weakly as well, so nothing has
/// to be closed by hand: a pool that is released takes its connections and its thread with it.
public final class IOThread: SerialExecutor {
    /// The share of a processor that the thread gets while other threads want that processor.
    public enum Priority: Sendable {
        case normal
        /// About a tenth of a normal thread's share (``BackgroundThreads/niceness``).
        case low
    }

    let loop: IOLoop

    /// - Parameters:
    ///   - name: for debuggers and top(1); at most 15 bytes are kept.
    ///   - priority: use `normal` for a thread that serves sockets, or that callers wait for.
    public init(named name: String, priority: Priority = .normal) throws(IOThreadError) {
        let loop = try IOLoop()
        self.loop = loop
        loop.attach(self)
        let isStarted = startThread(named: name) {
            if priority == .low {
                lowerPriority(by: BackgroundThreads.niceness)
                beginPauses()
            }
            loop.run()
        }
        guard isStarted else { throw IOThreadError("the system has no room for another thread") }
    }

    deinit {
        loop.stop()
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        loop.add(.actorJob(UnownedJob(job)))
    }

    public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    public func checkIsolated() {
        precondition(loop.isCurrentThread, "not on the I/O thread")
    }

    public func isIsolatingCurrentContext() -> Bool? {
        loop.isCurrentThread
    }

    /// For tasks that are to run on this thread: those of one worker, which mostly wait for its sockets.
    public var taskExecutor: any TaskExecutor { IOTaskExecutor(self) }

    /// Runs `call` on the thread, after what was enqueued before it. From any thread.
    package func call(_ call: @escaping @Sendable () -> Void) {
        loop.add(.call(call))
    }

    /// Schedules a turn for `handler` soon, as if its socket were ready. From any thread.
    package func wake(_ handler: any IOHandler) {
        loop.add(.turn(handler))
    }

    /// From now on notifies `handler` when its socket is ready, or its deadline has passed. Replaces the previous registration. From any thread.
    package func watch(_ handler: any IOHandler, _ interest: IOInterest) {
        loop.watch(handler, interest)
    }

    package func forget(_ handler: any IOHandler) {
        loop.forget(ObjectIdentifier(handler))
    }
}

/// Runs tasks on an ``IOThread``, which it keeps alive.
private final class IOTaskExecutor: TaskExecutor {
    private let thread: IOThread

    init(_ thread: IOThread) {
        self.thread = thread
    }

    func enqueue(_ job: consuming ExecutorJob) {
        thread.loop.add(.taskJob(UnownedJob(job), self))
    }
}

/// Notified about its socket and its deadline, on the I/O thread.
package protocol IOHandler: AnyObject, Sendable {
    func socketIsReady()
    /// Called once; a new deadline is set with `watch`.
    func deadlineHasPassed()
}

/// The events for which a handler is notified.
package struct IOInterest: Equatable, Sendable {
    /// -1 for no socket.
    package var socket: Int32
    package var toRead: Bool
    package var toWrite: Bool
    package var deadline: ContinuousClock.Instant?

    package init(socket: Int32 = -1, toRead: Bool = false, toWrite: Bool = false, deadline: ContinuousClock.Instant? = nil) {
        self.socket = socket
        self.toRead = toRead
        self.toWrite = toWrite
        self.deadline = deadline
    }
}

/// The system is short of threads or file descriptors.
public struct IOThreadError: Error {
    public let message: String

    init(_ message: String) {
        self.message = message
    }
}
