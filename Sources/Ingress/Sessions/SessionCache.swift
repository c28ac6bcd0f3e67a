import Contracts
public import FoundationEssentials
import Runtime
import Synchronization

/// The owners of recently seen tokens, by the hash of the token. Concurrent misses for one token share one query.
public final class SessionCache: Sendable {
    /// More evict the oldest.
    public static let maximumEntries = 10_000
    /// How long an answer is valid. A lost revocation takes effect after this time at the latest.
    public static let lifetime: TimeInterval = 5

    /// The result for a token: `caller` is nil when it belongs to no session.
    fileprivate struct Answer: Sendable {
        let caller: Caller?
    }

    fileprivate struct Entry {
        let caller: Caller
        let expires: Date
        let number: UInt64
    }

    /// A query made after a revocation must not receive the answer to one made before.
    fileprivate struct Question: Hashable {
        let hash: String
        let revocations: UInt64
    }

    fileprivate struct State {
        var entries: [String: Entry] = [:]
        /// The entries in order of arrival, which is that of their expiry; `first` is the oldest that is left.
        var order: [(hash: String, number: UInt64)] = []
        var first = 0
        var nextNumber: UInt64 = 0
        var revocations: UInt64 = 0
    }

    private let state = Mutex(State())
    private let flight = SingleFlight<Question, Answer>()

    public init() {}

    /// How many tokens are known at the moment.
    public var count: Int { state.withLock { $0.entries.count } }

    /// How many callers wait for the answer to another caller's query. No more than there are requests under way.
    var waiting: Int { flight.waiting }

    /// Returns the owner of the token with this hash, or nil when it belongs to no session; calls `ask` when that is not known yet, and all waiters for
    /// it share its error. A cancellation affects only the cancelled caller: when it is the one asking, the next waiter asks in its place.
    /// Unknown tokens are not cached.
    func caller(_ hash: String, now: Date, ask: () async throws -> Caller?) async throws -> Caller? {
        let (known, revocations) = state.withLock { ($0.find(hash, now), $0.revocations) }
        if let known { return known }
        return try await flight.answer(Question(hash: hash, revocations: revocations)) {
            // The answer may have come since: between the look above and this one, another caller's query may have ended.
            if let known = state.withLock({ $0.find(hash, now) }) { return Answer(caller: known) }
            let caller = try await ask()
            let expires = now.addingTimeInterval(Self.lifetime)
            state.withLock { state in
                if let caller, revocations == state.revocations { state.remember(hash, caller, expires) }
            }
            return Answer(caller: caller)
        }.caller
    }

    /// Invalidates everything known of this user's tokens.
    public func forget(user: UUID) {
        state.withLock { state in
            state.revocations += 1
            state.entries = state.entries.filter { $0.value.caller.id != user }
        }
    }
}

extension SessionCache.State {
    mutating func find(_ hash: String, _ now: Date) -> Caller? {
        guard let entry = entries[hash] else { return nil }
        if now < entry.expires { return entry.caller }
        entries[hash] = nil
        return nil
    }

    mutating func remember(_ hash: String, _ caller: Caller, _ expires: Date) {
        while order.count - first >= SessionCache.maximumEntries {
            let oldest = order[first]
            first += 1
            if entries[oldest.hash]?.number == oldest.number { entries[oldest.hash] = nil }
        }
        // The entries before `first` are removed in one go, seldom enough to cost nothing.
        if first >= SessionCache.maximumEntries {
            order.removeFirst(first)
            first = 0
        }
        nextNumber += 1
        entries[hash] = SessionCache.Entry(caller: caller, expires: expires, number: nextNumber)
        order.append((hash, nextNumber))
    }
}
