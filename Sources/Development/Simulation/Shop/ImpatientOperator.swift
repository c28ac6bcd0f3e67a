import AMQP
import FoundationEssentials
import Messaging

/// An operator who sends any message on the retry ladder early, so that copies meet their originals at every point.
struct ImpatientOperator: Sendable {
    static let pause = 500...8_000
    /// The share of messages on the ladder that are sent early.
    static let share = 0.5

    let shop: Shop
    let chance: Chance

    /// Works while faults are injected, so that they affect its work.
    func run() async throws {
        var seen: Set<Publication> = []
        while shop.faults.isOn {
            try await shop.clock.sleep(for: chance.duration(milliseconds: Self.pause))
            for announcement in shop.broker.messages(in: Exchange.waiting) where seen.insert(announcement).inserted && chance.happens(Self.share) {
                guard let copy = Self.copy(of: announcement) else { continue }
                shop.visits.note(Moment.sentEarly)
                _ = shop.broker.accept(copy.publication)
            }
        }
    }

    private static func copy(of announcement: Publication) -> EarlyCopy? {
        let delivery = Delivery(
            tag: DeliveryTag(generation: 0, number: 0), exchange: announcement.exchange, routingKey: announcement.routingKey, redelivered: false,
            properties: announcement.properties, body: announcement.body)
        guard let message = WaitingMessage(delivery), let bytes = message.copy, let operation = message.operation else { return nil }
        return EarlyCopy(bytes, operation: operation, queue: message.queue, dueAt: message.dueAt)
    }
}
