import FoundationEssentials
import Messaging
import Runtime
import Secrets
import Synchronization

/// The ids of messages that follow from no other message: those that customers, webhooks and pollers start.
final class Origins: Sendable {
    private let ids = Mutex<Set<UUID>>([])

    func add(_ id: UUID) {
        ids.withLock { _ = $0.insert(id) }
    }

    func contains(_ id: UUID) -> Bool {
        ids.withLock { $0.contains(id) }
    }
}

/// A worker's randomness; what it draws an id for may become a poller's message.
struct NotedRandomness: Randomness {
    let chance: Chance
    let origins: Origins

    func uuid() -> UUID {
        let id = chance.uuid()
        origins.add(id)
        origins.add(UUID.v5(namespace: id, name: "0"))
        return id
    }

    func fraction() -> Double { chance.fraction() }
}
