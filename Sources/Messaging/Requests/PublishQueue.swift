import AMQP
import Contracts
import FoundationEssentials
import Runtime
import Synchronization

/// The publications of many callers in one process: a single one leaves at once; those added while publishes are in progress leave with the next, in bundles.
final class PublishQueue: Sendable {
    /// Concurrent publishes: while one waits for the broker's confirms, the next is on its way.
    static let publishesAtOnce = 2
    /// Publications in one publish.
    static let maximumAtOnce = 500
    /// Publications waiting for their turn; one more is rejected.
    static let maximumWaiting = 10_000

    private static let stopped = AMQPError(.stopped, "shutting down", isTransient: true)

    private struct Waiting {
        let publication: Publication
        let deadline: Date
        let completion: @Sendable (PublishOutcome) -> Void
    }

    private struct State {
        var waiting: [Waiting] = []
        var underWay = 0
        var isStopped = false
    }

    private let state = Mutex(State())
    let publisher: any MessagePublisher
    private let clock: any WallClock
    private let (turns, turn) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    init(_ publisher: any MessagePublisher, clock: any WallClock) {
        self.publisher = publisher
        self.clock = clock
    }

    /// Adds a publication. `completion` is called once, soon after `deadline` at the latest.
    func add(_ publication: Publication, deadline: Date, completion: @escaping @Sendable (PublishOutcome) -> Void) {
        let refusal: AMQPError? = state.withLock { state in
            if state.isStopped { return Self.stopped }
            guard state.waiting.count < Self.maximumWaiting else {
                return AMQPError(.windowFull, "\(state.waiting.count) messages wait to be sent already", isTransient: true)
            }
            state.waiting.append(Waiting(publication: publication, deadline: deadline, completion: completion))
            // Otherwise the next publish to complete takes it along.
            if state.underWay < Self.publishesAtOnce { turn.yield() }
            return nil
        }
        if let refusal { completion(.failed(refusal)) }
    }

    /// Whether any publication waits for its turn.
    var isWaiting: Bool { state.withLock { !$0.waiting.isEmpty } }

    /// Publishes until it is cancelled; publications that still wait then fail.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await _ in turns {
                while let batch = take() { group.addTask { await self.publish(batch) } }
            }
        }
        let rest = state.withLock { state in
            state.isStopped = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for each in rest { each.completion(.failed(Self.stopped)) }
    }

    /// Rejects publications that have waited past their deadline: nothing of them was sent.
    func expire() {
        let now = clock.now()
        let overdue = state.withLock { state in
            let overdue = state.waiting.filter { $0.deadline < now }
            if !overdue.isEmpty { state.waiting.removeAll { $0.deadline < now } }
            return overdue
        }
        let error = AMQPError(.windowFull, "the broker was too slow to take the message before the deadline", isTransient: true)
        for each in overdue { each.completion(.failed(error)) }
    }

    private func take() -> [Waiting]? {
        state.withLock { state in
            guard state.underWay < Self.publishesAtOnce, !state.waiting.isEmpty else { return nil }
            state.underWay += 1
            let batch = Array(state.waiting.prefix(Self.maximumAtOnce))
            state.waiting.removeFirst(batch.count)
            return batch
        }
    }

    private func publish(_ batch: [Waiting]) async {
        let now = clock.now()
        let longest = batch.map { $0.deadline.timeIntervalSince(now) }.max() ?? 0
        let sent = Bundle.pack(batch.map(\.publication))
        let outcomes = await publisher.publish(sent.map(\.publication), deadline: .seconds(max(0, longest)))
        let hasMore = state.withLock { state in
            state.underWay -= 1
            return !state.waiting.isEmpty
        }
        if hasMore { turn.yield() }
        for (outcome, (_, places)) in zip(outcomes, sent) {
            for place in places { batch[place].completion(outcome) }
        }
    }
}
