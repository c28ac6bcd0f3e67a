import AMQP
import Messaging
import Runtime
import ServiceLifecycle

/// Takes deliveries from a queue in batches, and acknowledges each batch only once it has been stored. A batch that cannot be stored yet is held and
/// tried again; the rest waits in the broker.
struct BatchIntake: Sendable {
    private static let firstPause: Duration = .milliseconds(100)
    private static let longestPause: Duration = .seconds(10)

    let consumer: any MessageConsumer
    let maximumBatch: Int
    let clock: any WallClock

    /// Returns after a graceful shutdown, when the held batch has been stored or released, and when the consumer has been stopped.
    /// - Parameter store: Returns whether the batch was stored. If not, it is called again after `pause`.
    func run(_ store: (_ batch: [Delivery], _ pause: Duration) async -> Bool) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await gracefulShutdown()
                await consumer.stopConsuming()
            }
            while let batch = try? await consumer.next(limit: maximumBatch) {
                if await keep(batch, store) {
                    await consumer.acknowledge(batch.map(\.tag))
                } else {
                    await consumer.release(batch.map(\.tag))
                }
            }
            group.cancelAll()
        }
    }

    /// Returns false when the service stops before the batch could be stored.
    private func keep(_ batch: [Delivery], _ store: ([Delivery], Duration) async -> Bool) async -> Bool {
        var pause = Self.firstPause
        while await !store(batch, pause) {
            let pauseNow = pause
            guard (try? await cancelWhenGracefulShutdown { try await clock.sleep(for: pauseNow) }) != nil else { return false }
            pause = min(pause * 2, Self.longestPause)
        }
        return true
    }
}
