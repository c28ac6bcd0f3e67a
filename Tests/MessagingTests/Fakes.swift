import AMQP
import FoundationEssentials
import Logging
import PostgreSQL
import Synchronization
import TestKit

@testable import Messaging

/// Hands out what it is given, and notes what becomes of it.
final class ScriptedConsumer: MessageConsumer {
    struct State {
        var waiting: [Delivery] = []
        var acknowledged: [DeliveryTag] = []
        var released: [DeliveryTag] = []
    }

    let state = Mutex(State())

    func next(limit: Int) async throws -> [Delivery] {
        throw AMQPError(.stopped, "scripted", isTransient: false)
    }

    func acknowledge(_ tags: [DeliveryTag]) async { state.withLock { $0.acknowledged += tags } }
    func reject(_ tags: [DeliveryTag], requeue: Bool) async {}
    func release(_ tags: [DeliveryTag]) async { state.withLock { $0.released += tags } }
    func stopConsuming() async {}
    var replyAddress: String? { get async { nil } }

    var acknowledged: [DeliveryTag] { state.withLock { $0.acknowledged } }
    var released: [DeliveryTag] { state.withLock { $0.released } }
}

/// Takes publications, and answers as the test says.
final class ScriptedPublisher: MessagePublisher {
    private let taken = Mutex<[Publication]>([])
    private let answer: @Sendable (Publication) -> PublishOutcome

    init(answer: @escaping @Sendable (Publication) -> PublishOutcome = { _ in .confirmed }) {
        self.answer = answer
    }

    func publish(_ publications: [Publication], deadline: Duration) async -> [PublishOutcome] {
        taken.withLock { $0 += publications }
        return publications.map(answer)
    }

    var isBlocked: Bool { false }
    var isConnected: Bool { true }
    var publications: [Publication] { taken.withLock { $0 } }
}

/// A clock that a test sets, and that sleeps at once.
final class ManualClock: WallClock {
    private let time: Mutex<Date>

    init(_ start: Date = Date(timeIntervalSince1970: 1_800_000_000)) {
        time = Mutex(start)
    }

    func now() -> Date { time.withLock { $0 } }
    var isSimulated: Bool { true }
    func sleep(for duration: Duration) async throws { time.withLock { $0 += duration.seconds } }
}

/// Counts up, so that a run is the same each time.
final class CountingRandomness: Randomness {
    private let count = Mutex<UInt32>(0)

    func uuid() -> UUID {
        let next = count.withLock { count in
            count += 1
            return count
        }
        let bytes = withUnsafeBytesOf(next)
        return UUID(uuid: (7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, bytes.0, bytes.1, bytes.2, bytes.3))
    }

    func fraction() -> Double { 0.25 }

    private func withUnsafeBytesOf(_ value: UInt32) -> (UInt8, UInt8, UInt8, UInt8) {
        (UInt8(value >> 24), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255))
    }
}
