import NIOCore
import Synchronization

/// The connections whose client was notified that they close. Anything sent on them after that is no longer a request, though it may have been read.
final class ClosingConnections: Sendable {
    private let channels = Mutex<Set<ObjectIdentifier>>([])

    func add(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        guard channels.withLock({ $0.insert(id).inserted }) else { return }
        // This also runs when the channel is closed already.
        channel.closeFuture.whenComplete { _ in _ = self.channels.withLock { $0.remove(id) } }
    }

    func contains(_ channel: any Channel) -> Bool {
        channels.withLock { $0.contains(ObjectIdentifier(channel)) }
    }
}
