import CRabbitMQ
import Glibc
import Synchronization

/// What other threads hand to an ``IOThread``, and the loop that works it off.
final class Mailbox: Sendable {
    private struct State {
        var jobs: [UnownedJob] = []
        /// Keeps the executor alive while it has jobs, as they run on an unowned reference to it.
        var executor: IOThread?
        weak var watcher: (any SocketWatcher)?
        var thread: pthread_t?
        var isSignalled = false
        var isStopped = false
    }

    private let state = Mutex(State())
    private let eventFD: Int32

    init() throws(AMQPError) {
        eventFD = crabbitmq_eventfd()
        guard eventFD >= 0 else {
            throw AMQPError(.resources, "no descriptor for the broker connection: \(String(cString: strerror(errno)))", isTransient: true)
        }
    }

    deinit {
        close(eventFD)
    }

    var isCurrentThread: Bool {
        state.withLock { $0.thread.map { pthread_equal($0, pthread_self()) != 0 } ?? false }
    }

    func add(_ job: UnownedJob, for executor: IOThread) {
        signal { state in
            state.jobs.append(job)
            state.executor = executor
        }
    }

    func watch(_ watcher: (any SocketWatcher)?) {
        signal { $0.watcher = watcher }
    }

    func wake() {
        signal { _ in }
    }

    func stop() {
        signal { $0.isStopped = true }
    }

    /// One write to the event counter wakes the thread for everything that comes in until it looks.
    private func signal(_ change: (inout State) -> Void) {
        let mustWrite = state.withLock { state in
            change(&state)
            defer { state.isSignalled = true }
            return !state.isSignalled
        }
        if mustWrite { _ = crabbitmq_eventfd_signal(eventFD) }
    }

    private struct Mail {
        var jobs: [UnownedJob]
        var executor: IOThread?
        var watcher: (any SocketWatcher)?
        var isStopped: Bool
    }

    private func collect() -> Mail {
        state.withLock { state in
            state.isSignalled = false
            defer {
                state.jobs = []
                state.executor = nil
            }
            return Mail(jobs: state.jobs, executor: state.executor, watcher: state.watcher, isStopped: state.isStopped)
        }
    }

    func runLoop() {
        state.withLock { $0.thread = pthread_self() }
        var interest: SocketInterest?
        while step(&interest) {
            var descriptors = [pollfd(fd: eventFD, events: Int16(POLLIN), revents: 0)]
            if let interest { descriptors.append(pollfd(fd: interest.socket, events: interest.events, revents: 0)) }
            // An interrupted wait is just an early turn: every turn looks at everything.
            poll(&descriptors, nfds_t(descriptors.count), interest?.timeout ?? -1)
            // Cleared before the mail is collected, so that what comes in after the collection wakes the thread again.
            if descriptors[0].revents != 0 { _ = crabbitmq_eventfd_clear(eventFD) }
        }
    }

    /// Runs what has come in and one turn of the watcher. False when the thread is to end.
    private func step(_ interest: inout SocketInterest?) -> Bool {
        let mail = collect()
        if let executor = mail.executor {
            for job in mail.jobs { job.runSynchronously(on: executor.asUnownedSerialExecutor()) }
        }
        interest = mail.watcher?.takeTurn()
        return !mail.isStopped
    }
}
