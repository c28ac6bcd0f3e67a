import CPostgreSQL
import Glibc

private final class ThreadBody {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) {
        self.run = run
    }
}

/// Starts a thread that ends with `run`. It takes no signals: those are for the program's main thread. False: the system has no room for one.
func startThread(named name: String, _ run: @escaping @Sendable () -> Void) -> Bool {
    let body = Unmanaged.passRetained(
        ThreadBody {
            var all = sigset_t()
            sigfillset(&all)
            pthread_sigmask(SIG_BLOCK, &all, nil)
            postgres_name_thread(name)
            run()
        })
    var thread = pthread_t()
    let failure = pthread_create(
        &thread, nil,
        { context in
            if let context { Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().run() }
            return nil
        }, body.toOpaque())
    guard failure == 0 else {
        body.release()
        return false
    }
    pthread_detach(thread)
    return true
}
