import AMQP
import FoundationEssentials
import Logging
import PostgreSQL
import Synchronization
import TestKit

@testable import Messaging
@testable import Runtime

/// Hands out the deliveries it is given, and records their outcomes.
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

/// Accepts publications, and answers as the test specifies.
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
    private let sleeping = Mutex<@Sendable (Duration) throws -> Void>({ _ in })

    init(_ start: Date = Date(timeIntervalSince1970: 1_800_000_000)) {
        time = Mutex(start)
    }

    func now() -> Date { time.withLock { $0 } }
    var isSimulated: Bool { true }
    func advance(by seconds: Double) { time.withLock { $0 += seconds } }

    func sleep(for duration: Duration) async throws {
        time.withLock { $0 += duration.seconds }
        try sleeping.withLock { $0 }(duration)
    }

    /// Called in each sleep, when its time is over; an error that it throws ends the sleep as a cancellation does.
    func onSleep(_ action: @escaping @Sendable (Duration) throws -> Void) { sleeping.withLock { $0 = action } }
}

/// PostgreSQL, whose next transactions fail as scripted, one after another; then all succeed.
final class FaultyDatabase: Database {
    enum Fault {
        /// It succeeds.
        case none
        /// It is committed, and the answer to COMMIT is lost.
        case committedUnheard
        /// It is rolled back, and the answer to COMMIT is lost.
        case rolledBackUnheard
        /// There is no connection.
        case away
    }

    private struct Undone: Error {}

    private let database: any Database
    private let script: Mutex<[Fault]>
    private let begun = Mutex(0)

    init(_ database: any Database, _ script: [Fault] = []) {
        self.database = database
        self.script = Mutex(script)
    }

    var transactions: Int { begun.withLock { $0 } }

    nonisolated(nonsending) func withConnection<Result: Sendable>(
        _ body: nonisolated(nonsending) (any SQLConnection) async throws -> Result
    ) async throws -> Result {
        if next() == .away { throw PostgresError(.connection, "the server is away") }
        return try await database.withConnection(body)
    }

    nonisolated(nonsending) func transaction<Result: Sendable>(
        _ body: nonisolated(nonsending) (any SQLConnection) async throws -> Result
    ) async throws -> Result {
        let lost = PostgresError(.commitUnknown, "the connection was lost during COMMIT")
        switch next() {
        case .none: return try await database.transaction(body)
        case .away: throw PostgresError(.connection, "the server is away")
        case .committedUnheard:
            _ = try await database.transaction(body)
            throw lost
        case .rolledBackUnheard:
            do {
                _ = try await database.transaction { connection -> Result in
                    _ = try await body(connection)
                    throw Undone()
                }
            } catch is Undone {}
            throw lost
        }
    }

    private func next() -> Fault {
        begun.withLock { $0 += 1 }
        return script.withLock { $0.isEmpty ? .none : $0.removeFirst() }
    }
}

/// A condition that a test turns on and off while others look at it.
final class Switch: Sendable {
    private let state: Mutex<Bool>

    init(_ isOn: Bool) { state = Mutex(isOn) }

    var isOn: Bool {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
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

/// A reply queue whose name the test changes, as a lost connection does.
final class ReplyQueue: MessageConsumer {
    private let address: Mutex<String?>
    private let deliveries = AsyncStream<[Delivery]>.makeStream()

    init(address: String?) {
        self.address = Mutex(address)
    }

    func move(to name: String) { address.withLock { $0 = name } }

    func deliver(_ properties: Properties) {
        deliveries.continuation.yield([
            Delivery(
                tag: DeliveryTag(generation: 1, number: 1), exchange: "replies", routingKey: "second", redelivered: false,
                properties: properties, body: [])
        ])
    }

    func next(limit: Int) async throws -> [Delivery] {
        for await delivered in deliveries.stream { return delivered }
        throw CancellationError()
    }

    func acknowledge(_ tags: [DeliveryTag]) async {}
    func reject(_ tags: [DeliveryTag], requeue: Bool) async {}
    func release(_ tags: [DeliveryTag]) async {}
    func stopConsuming() async {}
    var replyAddress: String? { get async { address.withLock { $0 } } }
}

/// A clock that stands still until a test advances it; all sleeps are short.
final class StandingClock: WallClock {
    private let time = Mutex(Date(timeIntervalSince1970: 1_800_000_000))
    private let begun = Mutex(0)

    func now() -> Date { time.withLock { $0 } }
    func advance(by seconds: Double) { time.withLock { $0.addTimeInterval(seconds) } }
    /// The number of sleeps that have begun.
    var sleeps: Int { begun.withLock { $0 } }

    func sleep(for duration: Duration) async throws {
        begun.withLock { $0 += 1 }
        try await Task.sleep(for: .milliseconds(1))
    }
}
