import Contracts
import FoundationEssentials
import Input
import JSON
import Logging
import Messaging
import Runtime
import Synchronization

/// Notices changes of the things that clients listen to: once a second it asks the services for the versions of all of them.
///
/// It does not depend on events: the next answer shows what has changed while a worker, the broker or the connection was down. Each resource is one
/// element of a request, however many clients listen to it; without listeners no request is sent.
final class ChangeWatch: Sendable {
    /// Between two requests: how late a change may be noticed.
    static let interval: Duration = .seconds(1)
    static let deadline: Duration = .seconds(5)
    /// Things in one request.
    static let thingsAtOnce = 1_000
    /// Rounds between two heartbeats, which show the client, and any proxy in between, that the connection is alive.
    static let questionsBetweenHeartbeats = 15

    enum Signal: Sendable {
        case changed, heartbeat
    }

    /// What a client listens to: a thing of the operation that knows its version.
    struct Topic: Sendable, Hashable {
        let operation: String
        let id: String
    }

    private struct State {
        var listeners: [Topic: [Int: AsyncStream<Signal>.Continuation]] = [:]
        var versions: [Topic: Int] = [:]
        var count = 0
        var hasEnded = false
    }

    private let state = Mutex(State())
    private let requests: any Requesting
    private let clock: any WallClock
    private let randomness: any Randomness

    init(requests: any Requesting, clock: any WallClock, randomness: any Randomness) {
        (self.requests, self.clock, self.randomness) = (requests, clock, randomness)
    }

    /// Signals for one listener, from when the version of the thing is known. It ends with the listener's task, or when the ingress is stopped.
    func signals(of topic: Topic) -> AsyncStream<Signal> {
        // One signal is enough: the listener then asks for everything that has changed.
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            let number = state.withLock { state -> Int? in
                if state.hasEnded { return nil }
                state.count += 1
                state.listeners[topic, default: [:]][state.count] = continuation
                // Something may have changed between the listener's own look and this.
                state.versions[topic] = nil
                return state.count
            }
            guard let number else { return continuation.finish() }
            continuation.onTermination = { [weak self] _ in self?.forget(topic, number) }
        }
    }

    private func forget(_ topic: Topic, _ number: Int) {
        state.withLock { state in
            state.listeners[topic]?[number] = nil
            guard state.listeners[topic]?.isEmpty == true else { return }
            (state.listeners[topic], state.versions[topic]) = (nil, nil)
        }
    }

    /// Asks until it is cancelled.
    func run() async {
        var questions = 0
        while (try? await clock.sleep(for: Self.interval)) != nil {
            questions += 1
            let topics = state.withLock { Dictionary(grouping: $0.listeners.keys, by: \.operation) }
            for (operation, topics) in topics {
                var rest = topics[...]
                while !rest.isEmpty {
                    await ask(operation, Array(rest.prefix(Self.thingsAtOnce)))
                    rest = rest.dropFirst(Self.thingsAtOnce)
                }
            }
            if questions.isMultiple(of: Self.questionsBetweenHeartbeats) { sendHeartbeats() }
        }
    }

    /// Ends all streams; clients reconnect to another ingress.
    func end() {
        let listeners = state.withLock { state in
            state.hasEnded = true
            return state.listeners.values.flatMap(\.values)
        }
        for listener in listeners { listener.finish() }
    }

    /// A request without an answer is repeated in the next round.
    private func ask(_ operation: String, _ topics: [Topic]) async {
        guard let body = try? JSON.encode(VersionsQuery(ids: topics.map(\.id))) else { return }
        let request = Request(id: randomness.uuid(), operation: operation, body: body)
        guard let reply = try? await requests.send(request, durability: .query, timeout: Self.deadline), reply.status == 200,
            let answer = try? JSON.decode(VersionsQuery.Answer.self, from: reply.body)
        else { return }
        let changed = state.withLock { state in
            topics.flatMap { topic -> [AsyncStream<Signal>.Continuation] in
                // A thing that is gone has changed, too.
                let version = answer.versions[topic.id] ?? -1
                guard let listeners = state.listeners[topic], state.versions[topic] != version else { return [] }
                state.versions[topic] = version
                return Array(listeners.values)
            }
        }
        for listener in changed { listener.yield(.changed) }
    }

    /// The listener could not read the change: it is signalled again.
    func repeatSignal(of topic: Topic) {
        state.withLock { $0.versions[topic] = nil }
    }

    private func sendHeartbeats() {
        for listener in state.withLock({ $0.listeners.values.flatMap(\.values) }) {
            // A heartbeat must not replace a change that was not read yet.
            if case .dropped(.changed) = listener.yield(.heartbeat) { listener.yield(.changed) }
        }
    }
}
