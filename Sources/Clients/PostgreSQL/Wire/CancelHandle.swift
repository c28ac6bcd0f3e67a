import CPostgreSQL
import Glibc
import IOThreads
import Synchronization

/// What libpq needs to ask the server to stop a statement: it does so over a connection of its own, and waits for it.
///
/// Unchecked Sendable because a PGcancel never changes and PQcancel may be called from any thread, as libpq documents.
final class CancelHandle: @unchecked Sendable {
    /// Requests under way at once in this process, each a thread that waits for the network. Past that the connection is dropped instead.
    static let maximumRequests = 16

    private static let requests = Mutex(0)
    private let handle: OpaquePointer

    init(owning handle: OpaquePointer) {
        self.handle = handle
    }

    deinit {
        PQfreeCancel(handle)
    }

    /// Sends the request and calls back, from another thread, when the server has acted on it or could not be reached. False: too many are under way.
    func send(whenDone: @escaping @Sendable () -> Void) -> Bool {
        let isAdmitted = Self.requests.withLock { requests in
            guard requests < Self.maximumRequests else { return false }
            requests += 1
            return true
        }
        guard isAdmitted else { return false }
        let isStarted = startThread(named: "postgres-cancel") { [self] in
            var reason = [CChar](repeating: 0, count: 256)
            // The reason for a failure is not needed: the connection's own deadline ends the wait.
            _ = PQcancel(handle, &reason, Int32(reason.count))
            Self.requests.withLock { $0 -= 1 }
            whenDone()
        }
        if !isStarted { Self.requests.withLock { $0 -= 1 } }
        return isStarted
    }
}
