import Contracts
public import FoundationEssentials
import Synchronization

/// Who the tokens of the last seconds belong to, by the hash of the token. Requests that miss for the same token at the same time share one question.
public final class SessionCache: Sendable {
    /// More push out the oldest.
    public static let maximumEntries = 10_000
    /// How long an answer is believed. A revocation that got lost is effective after this time at the latest.
    public static let lifetime: TimeInterval = 5

    /// What was found out about a token: `caller` is nil when it is nobody's.
    fileprivate struct Answer: Sendable {
        let caller: Caller?
    }

    fileprivate struct Entry {
        let caller: Caller
        let expires: Date
        let number: UInt64
    }

    /// A question asked after a revocation must not get the answer to one asked before.
    fileprivate struct Question: Hashable {
        let hash: String
        let revocations: UInt64
    }

    /// Resumed with nil when there was nothing left to wait for.
    fileprivate typealias Waiter = CheckedContinuation<Answer?, any Error>

    fileprivate struct State {
        var entries: [String: Entry] = [:]
        /// The entries in the order of their coming, which is that of their expiry; `first` is the oldest that is left.
        var order: [(hash: String, number: UInt64)] = []
        var first = 0
        var nextNumber: UInt64 = 0
        var revocations: UInt64 = 0
        /// Those who wait for an answer that somebody else has asked for.
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

    /// How many callers wait for an answer that somebody else has asked for. No more than there are requests under way.
    var waiting: Int { state.withLock { $0.waiters.values.reduce(0) { $0 + $1.count } } }

    /// Whose token has this hash, or nil when it is nobody's; `ask` is called when that is not known yet, and its error is everybody's who waits
    /// for it. A cancellation is only the cancelled caller's: when it hits the one who asks, the next of those who wait asks in its place.
    /// That a token is nobody's is not remembered.
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

    /// Nothing that is known of this user's tokens holds any longer.
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
        // The places before `first` are given back in one go, seldom enough to cost nothing.
        if first >= SessionCache.maximumEntries {
            order.removeFirst(first)
            first = 0
        }
        nextNumber += 1
        entries[hash] = SessionCache.Entry(caller: caller, expires: expires, number: nextNumber)
        order.append((hash, nextNumber))
    }
}
