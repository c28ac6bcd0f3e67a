import NIOCore
import Synchronization

/// The connections whose client has been told that they close. What it had sent by then is no request any longer, though it may have been read.
final class ClosingConnections: Sendable {
    private let channels = Mutex<Set<ObjectIdentifier>>([])

    func add(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        guard channels.withLock({ $0.insert(id).inserted }) else { return }
        // Also when it is closed by now.
        channel.closeFuture.whenComplete { _ in _ = self.channels.withLock { $0.remove(id) } }
    }

    func contains(_ channel: any Channel) -> Bool {
        channels.withLock { $0.contains(ObjectIdentifier(channel)) }
    }
}
