import CThreads
import Glibc
import Synchronization

/// What an I/O thread does: runs jobs, then sleeps in poll(2) until a socket, a deadline or another job is due.
final class IOLoop: Sendable {
    /// Rounds of work before the sockets are polled again: tasks that always have more to do must not delay other sockets.
    private static let roundsAtOnce = 16

    enum Work {
        case actorJob(UnownedJob)
        case taskJob(UnownedJob, any TaskExecutor)
        case call(@Sendable () -> Void)
        case turn(any IOHandler)
    }

    private struct WeakHandler {
        weak var handler: (any IOHandler)?
    }

    private struct State {
        weak var executor: IOThread?
        var work: [Work] = []
        /// The interest of each watched handler. Kept apart from the handlers, because every round reads all interests, and copying a weak reference is expensive.
        var interests: [ObjectIdentifier: IOInterest] = [:]
        var handlers: [ObjectIdentifier: WeakHandler] = [:]
        var isAsleep = false

        mutating func forget(_ key: ObjectIdentifier) {
            interests[key] = nil
            handlers[key] = nil
        }

        mutating func handler(_ key: ObjectIdentifier) -> (any IOHandler)? {
            guard let handler = handlers[key]?.handler else {
                forget(key)
                return nil
            }
            return handler
        }
    }

    private let state = Mutex(State())
    private let wakeUp: Int32
    private let thread = Atomic<UInt>(0)
    private let isStopped = Atomic<Bool>(false)

    init() throws(IOThreadError) {
        wakeUp = threads_eventfd()
        guard wakeUp >= 0 else { throw IOThreadError("no file descriptor is free (errno \(errno))") }
    }

    deinit {
        close(wakeUp)
    }

    var isCurrentThread: Bool {
        thread.load(ordering: .acquiring) == pthread_self()
    }

    func attach(_ executor: IOThread) {
        state.withLock { $0.executor = executor }
    }

    /// Takes no lock: the last reference to the executor may go while this loop holds it.
    func stop() {
        isStopped.store(true, ordering: .releasing)
        signal()
    }

    func add(_ work: Work) {
        change { $0.work.append(work) }
    }

    func watch(_ handler: any IOHandler, _ interest: IOInterest) {
        change { state in
            let key = ObjectIdentifier(handler)
            state.interests[key] = interest
            if state.handlers[key]?.handler == nil { state.handlers[key] = WeakHandler(handler: handler) }
        }
    }

    func forget(_ handler: ObjectIdentifier) {
        state.withLock { $0.forget(handler) }
    }

    private func change(_ body: (inout State) -> Void) {
        let mustWake = state.withLock { state in
            body(&state)
            defer { state.isAsleep = false }
            return state.isAsleep
        }
        if mustWake { signal() }
    }

    private func signal() {
        var one: UInt64 = 1
        _ = write(wakeUp, &one, MemoryLayout<UInt64>.size)
    }

    func run() {
        thread.store(pthread_self(), ordering: .releasing)
        var polled = PollSet()
        while runWork() {
            let isIdle = fill(&polled)
            polled.wait(atMost: isIdle ? nil : .zero)
            state.withLock { $0.isAsleep = false }
            if polled.isReady(wakeUp) {
                var count: UInt64 = 0
                _ = read(wakeUp, &count, MemoryLayout<UInt64>.size)
            }
            for handler in polled.readyHandlers { self.handler(handler)?.socketIsReady() }
            if let deadline = polled.deadline, deadline <= .now { for handler in takeOverdue() { handler.deadlineHasPassed() } }
        }
    }

    /// Runs what is enqueued, and what that enqueues. False: the thread is no longer needed.
    private func runWork() -> Bool {
        for _ in 0..<Self.roundsAtOnce {
            let (work, executor) = state.withLock { state in
                defer { state.work = [] }
                return (state.work, state.executor)
            }
            guard !work.isEmpty else { return !isStopped.load(ordering: .acquiring) }
            for item in work {
                switch item {
                // An actor with a job keeps the executor.
                case .actorJob(let job): if let executor { job.runSynchronously(on: executor.asUnownedSerialExecutor()) }
                case .taskJob(let job, let executor): job.runSynchronously(on: executor.asUnownedTaskExecutor())
                case .call(let call): call()
                case .turn(let handler): handler.socketIsReady()
                }
            }
        }
        return true
    }

    /// False: work has arrived meanwhile, so the thread must not sleep.
    private func fill(_ polled: inout PollSet) -> Bool {
        state.withLock { state in
            polled.clear(wakeUp: wakeUp)
            for (key, interest) in state.interests { polled.add(key, interest) }
            state.isAsleep = state.work.isEmpty
            return state.isAsleep
        }
    }

    /// Nil if the handler is gone. It is then no longer watched, because its descriptor may belong to another handler by now.
    private func handler(_ key: ObjectIdentifier) -> (any IOHandler)? {
        state.withLock { $0.handler(key) }
    }

    private func takeOverdue() -> [any IOHandler] {
        state.withLock { state in
            let now = ContinuousClock.now
            let overdue = state.interests.filter { $0.value.deadline.map { $0 <= now } ?? false }.keys
            for key in overdue { state.interests[key]?.deadline = nil }
            return overdue.compactMap { state.handler($0) }
        }
    }
}
