import CRabbitMQ
import Glibc

/// Runs an actor's jobs, and watches one socket for it, on a thread of its own.
///
/// librabbitmq is not thread-safe and its calls block: this thread is the only one that enters it for a connection,
/// and no thread of Swift's pool ever waits in it. The thread ends after the last reference to this executor is gone.
final class IOThread: SerialExecutor {
    private let mailbox: Mailbox

    /// Enough for librabbitmq to decode a header frame of 128 KiB that is nothing but nested tables, some 300 bytes of stack a level.
    private static let stackBytes = 16 * 1024 * 1024

    init() throws(AMQPError) {
        let mailbox = try Mailbox()
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, Self.stackBytes)
        let argument = Unmanaged.passRetained(mailbox)
        var thread = pthread_t()
        let status = pthread_create(&thread, &attributes, { argument in
            if let argument { Unmanaged<Mailbox>.fromOpaque(argument).takeRetainedValue().runLoop() }
            return nil
        }, argument.toOpaque())
        guard status == 0 else {
            argument.release()
            throw AMQPError(.resources, "no thread for the broker connection: \(String(cString: strerror(status)))", isTransient: true)
        }
        self.mailbox = mailbox
    }

    deinit {
        mailbox.stop()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        mailbox.add(UnownedJob(job), for: self)
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    func isIsolatingCurrentContext() -> Bool? {
        mailbox.isCurrentThread
    }

    func checkIsolated() {
        precondition(mailbox.isCurrentThread, "not on the connection's thread")
    }

    /// Makes the thread take a turn soon. Cheap when one is due already.
    func wake() {
        mailbox.wake()
    }

    /// Gives `watcher` a turn now and whenever its socket or a wake-up calls for one; `nil` ends that. The reference is weak.
    func watch(_ watcher: (any SocketWatcher)?) {
        mailbox.watch(watcher)
    }
}

/// What a thread polls for on behalf of a socket's owner.
struct SocketInterest {
    var socket: Int32
    var events: Int16
    /// The next turn comes after this many milliseconds at the latest.
    var timeout: Int32
}

/// Owns a socket and is given turns on an ``IOThread``.
protocol SocketWatcher: AnyObject, Sendable {
    /// Called on the thread: reads and writes what is possible now, and says what to wait for; `nil` when there is no socket any more.
    func takeTurn() -> SocketInterest?
}
