import AMQP
import Messaging
import Runtime
import ServiceLifecycle

/// Takes deliveries from a queue in batches, and acknowledges each batch only once it has been stored. A batch that cannot be stored yet is held and
/// tried again; the rest waits in the broker.
///
/// While one batch is stored, the next is taken and prepared: the database and this process would otherwise wait for each other.
struct BatchIntake: Sendable {
    private static let firstPause: Duration = .milliseconds(100)
    private static let longestPause: Duration = .seconds(10)

    private struct Batch<Content: Sendable>: Sendable {
        let tags: [DeliveryTag]
        let content: Content
    }

    let consumer: any MessageConsumer
    let maximumBatch: Int
    let clock: any WallClock

    /// The prefetch that keeps batches full: one is stored, one is prepared, and one gathers.
    static func prefetch(batch: Int) -> Int { 3 * batch }

    /// Returns after a graceful shutdown, when the held batches have been stored or released, and when the consumer has been stopped.
    /// - Parameters:
    ///   - prepare: What is stored of a batch. It runs while the batch before is stored.
    ///   - store: Returns whether the batch was stored. If not, it is called again after `pause`.
    func run<Content: Sendable>(
        _ prepare: @escaping @Sendable ([Delivery]) -> Content, store: (_ content: Content, _ pause: Duration) async -> Bool
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await gracefulShutdown()
                await consumer.stopConsuming()
            }
            var next = await take(prepare)
            while let batch = next {
                async let following = take(prepare)
                if await keep(batch.content, store) {
                    await consumer.acknowledge(batch.tags)
                } else {
                    await consumer.release(batch.tags)
                }
                next = await following
            }
            group.cancelAll()
        }
    }

    /// Returns nil once the consumer has been stopped.
    private func take<Content: Sendable>(_ prepare: @Sendable ([Delivery]) -> Content) async -> Batch<Content>? {
        guard let deliveries = try? await consumer.next(limit: maximumBatch) else { return nil }
        return Batch(tags: deliveries.map(\.tag), content: prepare(deliveries))
    }

    /// Returns false when the service stops before the batch could be stored.
    private func keep<Content: Sendable>(_ content: Content, _ store: (Content, Duration) async -> Bool) async -> Bool {
        var pause = Self.firstPause
        while await !store(content, pause) {
            let pauseNow = pause
            guard (try? await cancelWhenGracefulShutdown { try await clock.sleep(for: pauseNow) }) != nil else { return false }
            pause = min(pause * 2, Self.longestPause)
        }
        return true
    }
}
