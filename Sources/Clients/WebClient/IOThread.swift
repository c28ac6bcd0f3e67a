import Glibc

/// A thread that belongs to one loop, so that a C library has one owner and no task's thread ever blocks in it.
enum IOThread {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Runs `body` on a new thread, which ends when it returns. False when the system gives no thread.
    ///
    /// Signals go to the program's other threads: a broken pipe is an error here, never the end of the process.
    static func start(_ body: @escaping @Sendable () -> Void) -> Bool {
        let context = Unmanaged.passRetained(Body(body)).toOpaque()
        var everySignal = sigset_t()
        var previous = sigset_t()
        sigfillset(&everySignal)
        // A thread inherits its mask, so none can arrive before the thread would have blocked it.
        pthread_sigmask(SIG_SETMASK, &everySignal, &previous)
        defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }

        var thread = pthread_t()
        let status = pthread_create(&thread, nil, { context in context.flatMap { Self.enter($0) } }, context)
        if status == 0 { pthread_detach(thread) }
        guard status == 0 else {
            Unmanaged<Body>.fromOpaque(context).release()
            return false
        }
        return true
    }

    private static func enter(_ context: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
        return nil
    }
}
