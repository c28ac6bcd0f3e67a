import Contracts
import FoundationEssentials
import Messaging
import Runtime
import Synchronization

/// Answers to guests' reads that every guest would get, kept for a moment, so that what everybody looks at is read once. Those who miss the same answer at the
/// same time share one request.
///
/// A change of a service makes its answers forgotten at once, in this process by the answer to the change and in others by the service's event; what has changed
/// without either, such as stock that an order has reserved, or with an event that was lost, is seen after ``IngressConfiguration/answerLifetime`` at the latest.
public final class AnswerCache: Sendable {
    /// Of all answers together. One more makes room: those that have expired go, or all, should none have.
    static let maximumBytes = 16 << 20
    /// A larger answer is not kept.
    static let largestAnswer = 256 << 10
    /// Seconds for which other caches may use an answer after its lifetime: while they request a new one, and while they cannot get one.
    private static let staleWhileRevalidating = 2
    private static let staleIfError = 300
    /// What an entry takes besides the text of its request and its answer's body.
    private static let overhead = 512

    struct Kept: Sendable {
        let reply: Reply
        /// By its operation.
        let endpoint: Endpoint
    }

    fileprivate struct Entry {
        let kept: Kept
        let expires: Date
        let bytes: Int
    }

    /// A question asked after a change must not get the answer to one asked before.
    private struct Question: Hashable {
        let target: String
        let changes: UInt64
    }

    fileprivate struct State {
        var entries: [String: Entry] = [:]
        var bytes = 0
        /// By service.
        var changes: [String: UInt64] = [:]
    }

    /// The `Cache-Control` for other caches, such as the gateway's.
    let control: String
    private let lifetime: TimeInterval
    /// Those that have answers worth keeping.
    private let services: Set<String>
    private let state = Mutex(State())
    private let flight = SingleFlight<Question, Reply>()

    /// - Parameter lifetime: seconds for which an answer is believed; 0 keeps none.
    init(of endpoints: [Endpoint], lifetime: TimeInterval) {
        self.lifetime = lifetime
        control =
            lifetime > 0
            ? "public, max-age=\(Int(exactly: lifetime.rounded(.up)) ?? 1), stale-while-revalidate=\(Self.staleWhileRevalidating), stale-if-error=\(Self.staleIfError)" : "no-cache"
        services = Set(endpoints.filter(\.isCacheable).map(\.service))
    }

    var bytes: Int { state.withLock { $0.bytes } }
    var waiting: Int { flight.waiting }
    var count: Int { state.withLock { $0.entries.count } }

    /// - Parameter target: path and query, as they came.
    func kept(_ target: String, at now: Date) -> Kept? {
        guard lifetime > 0 else { return nil }
        return state.withLock { state in
            guard let entry = state.entries[target], now < entry.expires else { return nil }
            return entry.kept
        }
    }

    /// Returns the reply of `ask`, or of a concurrent request for the same target; keeps it if it is an answer.
    func reply(to target: String, of endpoint: Endpoint, at now: Date, _ ask: () async throws -> Reply) async throws -> Reply {
        guard lifetime > 0 else { return try await ask() }
        let changes = state.withLock { $0.changes[endpoint.service, default: 0] }
        return try await flight.answer(Question(target: target, changes: changes)) {
            // The answer may have come since this request looked for one.
            if let kept = kept(target, at: now) { return kept.reply }
            let reply = try await ask()
            keep(Kept(reply: reply, endpoint: endpoint), target, changes, now)
            return reply
        }
    }

    /// Drops the answers of this service, and those that are still under way.
    public func forget(service: String) {
        guard services.contains(service) else { return }
        state.withLock { state in
            state.changes[service, default: 0] += 1
            for (target, entry) in state.entries where entry.kept.endpoint.service == service { state.remove(target) }
        }
    }

    private func keep(_ kept: Kept, _ target: String, _ changes: UInt64, _ now: Date) {
        let bytes = target.utf8.count + kept.reply.body.count + Self.overhead
        guard kept.reply.status == 200, bytes <= Self.largestAnswer else { return }
        state.withLock { state in
            guard state.changes[kept.endpoint.service, default: 0] == changes else { return }
            state.remove(target)
            if state.bytes + bytes > Self.maximumBytes { state.makeRoom(for: bytes, now) }
            state.entries[target] = Entry(kept: kept, expires: now.addingTimeInterval(lifetime), bytes: bytes)
            state.bytes += bytes
        }
    }
}

extension AnswerCache.State {
    fileprivate mutating func makeRoom(for bytes: Int, _ now: Date) {
        for (target, entry) in entries where entry.expires <= now { remove(target) }
        guard self.bytes + bytes > AnswerCache.maximumBytes else { return }
        entries = [:]
        self.bytes = 0
    }

    fileprivate mutating func remove(_ target: String) {
        guard let entry = entries.removeValue(forKey: target) else { return }
        bytes -= entry.bytes
    }
}

extension Endpoint {
    /// The service that handles it: the first word of its operation.
    var service: String { String(operationID.prefix { $0 != "." }) }
}
