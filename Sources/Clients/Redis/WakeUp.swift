import CHiredis
import Glibc

/// Wakes the I/O thread out of its `poll`.
final class WakeUp: Sendable {
    let descriptor: Int32

    /// Nil when the process has no file descriptors left.
    init?() {
        descriptor = wharf_eventfd()
        guard descriptor >= 0 else { return nil }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// From any thread. Being called often before the thread wakes is as good as once.
    func signal() {
        eventfd_write(descriptor, 1)
    }

    func clear() {
        var count: eventfd_t = 0
        eventfd_read(descriptor, &count)
    }
}
