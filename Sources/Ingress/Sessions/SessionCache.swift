import Contracts
public import FoundationEssentials
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

    /// Resumed with nil when there was nothing left to wait for.
    fileprivate typealias Waiter = CheckedContinuation<Answer?, any Error>

    fileprivate struct State {
        var entries: [String: Entry] = [:]
        /// The entries in order of arrival, which is that of their expiry; `first` is the oldest that is left.
        var order: [(hash: String, number: UInt64)] = []
        var first = 0
        var nextNumber: UInt64 = 0
        var revocations: UInt64 = 0
        /// Callers waiting for an answer that another caller has requested.
        var waiters: [Question: [UInt64: Waiter]] = [:]
        var lastWaiter: UInt64 = 0
    }

    fileprivate enum Finding {
        case known(Caller)
        case asked(Question)
        case unasked(Question)
    }

    private let state = Mutex(State())

    public init() {}

    /// How many tokens are known at the moment.
    public var count: Int { state.withLock { $0.entries.count } }

    /// How many callers wait for an answer that another one has requested. No more than there are concurrent requests.
    var waiting: Int { state.withLock { $0.waiters.values.reduce(0) { $0 + $1.count } } }

    /// Returns the owner of the token with this hash, or nil when it belongs to no session; calls `ask` when that is not known yet, and all waiters for
    /// it share its error. A cancellation affects only the cancelled caller: when it is the one asking, the next waiter asks in its place.
    /// Unknown tokens are not cached.
    func caller(_ hash: String, now: Date, ask: () async throws -> Caller?) async throws -> Caller? {
        while true {
            switch state.withLock({ $0.find(hash, now) }) {
            case .known(let caller):
                return caller
            case .asked(let question):
                if let answer = try await wait(for: question) { return answer.caller }
            case .unasked(let question):
                return try await answer(question, now, ask)
            }
        }
    }

    private func wait(for question: Question) async throws -> Answer? {
        let id = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { waiter in
                let refusal: Result<Answer?, any Error>? = state.withLock { state in
                    // Within the lock: a cancellation from here on finds the waiter.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    return state.join(question, id, waiter) ? nil : .success(nil)
                }
                if let refusal { waiter.resume(with: refusal) }
            }
        } onCancel: {
            state.withLock { $0.waiters[question]?.removeValue(forKey: id) }?.resume(throwing: CancellationError())
        }
    }

    private func answer(_ question: Question, _ now: Date, _ ask: () async throws -> Caller?) async throws -> Caller? {
        do {
            let caller = try await ask()
            let expires = now.addingTimeInterval(Self.lifetime)
            let waiters = state.withLock { $0.finish(question, caller, expires) }
            for waiter in waiters { waiter.resume(returning: Answer(caller: caller)) }
            return caller
        } catch {
            let waiters = state.withLock { $0.finish(question, nil, now) }
            let isOwn = error is CancellationError || Task.isCancelled
            for waiter in waiters { waiter.resume(with: isOwn ? .success(nil) : .failure(error)) }
            throw error
        }
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
    mutating func find(_ hash: String, _ now: Date) -> SessionCache.Finding {
        if let entry = entries[hash] {
            if now < entry.expires { return .known(entry.caller) }
            entries[hash] = nil
        }
        let question = SessionCache.Question(hash: hash, revocations: revocations)
        if waiters[question] != nil { return .asked(question) }
        waiters[question] = [:]
        return .unasked(question)
    }

    mutating func join(_ question: SessionCache.Question, _ id: UInt64, _ waiter: SessionCache.Waiter) -> Bool {
        waiters[question]?.updateValue(waiter, forKey: id)
        return waiters[question] != nil
    }

    mutating func finish(_ question: SessionCache.Question, _ caller: Caller?, _ expires: Date) -> [SessionCache.Waiter] {
        if let caller, question.revocations == revocations { remember(question.hash, caller, expires) }
        return (waiters.removeValue(forKey: question) ?? [:]).map(\.value)
    }

    private mutating func remember(_ hash: String, _ caller: Caller, _ expires: Date) {
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
