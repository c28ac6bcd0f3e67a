/// The thread on which all connections of a pool live, as the executor of their actors. It ends with the last reference.
///
/// The loop keeps only a weak reference to this object, and handlers are held weakly as well, so nothing has to be taken apart by hand: a pool that is let go
/// takes its connections and its thread with it.
final class IOThread: SerialExecutor {
    private let loop: IOLoop

    init() throws(PostgresError) {
        let loop = try IOLoop()
        self.loop = loop
        loop.attach(self)
        guard startThread(named: "postgres-io", { loop.run() }) else {
            throw PostgresError(.connection, "the system has no room for another thread")
        }
    }

    deinit {
        loop.stop()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        loop.add(.job(UnownedJob(job)))
    }

    func checkIsolated() {
        precondition(loop.isCurrentThread, "not on the I/O thread")
    }

    func isIsolatingCurrentContext() -> Bool? {
        loop.isCurrentThread
    }

    /// Runs `call` on the thread, after what was enqueued before it. From any thread.
    func call(_ call: @escaping @Sendable () -> Void) {
        loop.add(.call(call))
    }

    /// From now on tells `handler` when its socket is ready, or its deadline has passed. Replaces what was said before. From any thread.
    func watch(_ handler: any IOHandler, _ interest: IOInterest) {
        loop.watch(handler, interest)
    }

    func forget(_ handler: any IOHandler) {
        loop.forget(ObjectIdentifier(handler))
    }
}

/// Told about its socket and its time, on the I/O thread.
protocol IOHandler: AnyObject, Sendable {
    func socketIsReady()
    /// Called once; a new deadline is set with `watch`.
    func deadlineHasPassed()
}

/// What a handler wants to be told.
struct IOInterest: Equatable {
    /// -1 is none.
    var socket: Int32 = -1
    var toRead = false
    var toWrite = false
    var deadline: ContinuousClock.Instant?
}
