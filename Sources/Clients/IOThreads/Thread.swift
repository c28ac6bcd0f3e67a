import CThreads
import Glibc

private final class ThreadBody {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) {
        self.run = run
    }
}

/// Enough for librabbitmq to decode a header frame of 128 KiB that is nothing but nested tables, some 300 bytes of stack a level. Only what is used of it is memory.
private let threadStackBytes = 16 * 1024 * 1024

/// Starts a thread that ends with `run`, so that a C library has one owner and no task's thread blocks in it. False when the system has no room for one.
///
/// It takes no signals: those are for the program's main thread, and a broken pipe is an error here, never the end of the process.
package func startThread(named name: String, _ run: @escaping @Sendable () -> Void) -> Bool {
    let body = Unmanaged.passRetained(
        ThreadBody {
            threads_name(name)
            run()
        })
    // A thread inherits its mask, so that no signal can arrive before the thread would have blocked it.
    var everySignal = sigset_t()
    var previous = sigset_t()
    sigfillset(&everySignal)
    pthread_sigmask(SIG_SETMASK, &everySignal, &previous)
    defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, threadStackBytes)
    var thread = pthread_t()
    let failure = pthread_create(
        &thread, &attributes,
        { context in
            if let context { Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().run() }
            return nil
        }, body.toOpaque())
    if failure != 0 { body.release() }
    return failure == 0
}

/// Lowers the priority of the calling thread, for good: only a privileged process may raise it again. On Linux it applies to this thread only.
///
/// - Parameter steps: added to the thread's niceness, as in nice(1); the highest niceness is 19.
func lowerPriority(by steps: Int32) {
    let thread = __priority_which_t(PRIO_PROCESS.rawValue)
    setpriority(thread, 0, min(19, getpriority(thread, 0) + steps))
}

/// How long a low-priority thread computes before it pauses, and the length of the pause, in nanoseconds.
private let longestBurst: Int64 = 200_000
private let pause: Int64 = 20_000

/// Lets ``pauseIfNeeded`` pause the calling thread.
func beginPauses() {
    threads_begin_pauses()
}

/// Sleeps briefly if the calling thread has low priority and has computed for 0.2 ms; does nothing on other threads. Long computations call it often,
/// so that other threads need not wait for them. Returns whether it slept.
///
/// Niceness is not enough. Linux compares it only within a control group or session; a thread in another one, such as a database's, waits until a time slice of up to 4 ms ends.
@discardableResult
@inline(never)  // An inlined copy in another module would have a thread-local variable of its own.
public func pauseIfNeeded() -> Bool {
    threads_pause_after(longestBurst, pause) != 0
}
