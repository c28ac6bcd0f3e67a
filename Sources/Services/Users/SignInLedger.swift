import FoundationEssentials

/// The counts of ``SignInLimits`` in the memory of one process, for when Redis is unavailable. Decides as the script in Redis does.
struct SignInLedger: Sendable {
    /// Accounts, networks and pairs that are remembered; more evict those that expire next.
    static let maximumKeys = 10_000

    private struct Places: Sendable {
        /// The expiry of each failure, by attempt.
        var failures: [String: Date] = [:]
        var pending: [String: Date] = [:]

        var lasts: Date { max(failures.values.max() ?? .distantPast, pending.values.max() ?? .distantPast) }

        mutating func forget(_ now: Date) {
            failures = failures.filter { $0.value > now }
            pending = pending.filter { $0.value > now }
        }
    }

    private struct Key: Hashable {
        enum Kind { case pair, account, network }

        let kind: Kind
        let name: String

        var limit: Int {
            switch kind {
            case .pair: SignInLimits.pair
            case .account: SignInLimits.account
            case .network: SignInLimits.network
            }
        }
    }

    private var places: [Key: Places] = [:]
    /// Pairs of account and network, and until when they are known.
    private var known: [String: Date] = [:]

    var keyCount: Int { max(places.count, known.count) }

    mutating func admit(_ attempt: SignInAttempt, at now: Date) -> SignInAdmission {
        let keys = keys(of: attempt, now)
        var retryAfter = 0.0
        var isBusy = false
        for key in keys {
            guard var entry = places[key] else { continue }
            entry.forget(now)
            places[key] = entry
            if entry.failures[attempt.id] != nil || entry.pending[attempt.id] != nil { continue }
            if entry.failures.count >= key.limit {
                let next = entry.failures.values.sorted()[entry.failures.count - key.limit]
                retryAfter = max(retryAfter, next.timeIntervalSince(now))
            } else if entry.failures.count + entry.pending.count >= key.limit {
                isBusy = true
            }
        }
        if retryAfter > 0 { return .refused(retryAfter: Int(retryAfter.rounded(.up))) }
        if isBusy { return .busy }
        for key in keys {
            makeRoom(for: key, now)
            places[key, default: Places()].pending[attempt.id] = now.addingTimeInterval(Double(SignInLimits.holdSeconds))
        }
        return .admitted
    }

    /// - Parameter isRight: nil when the password was not verified after all.
    mutating func settle(_ attempt: SignInAttempt, isRight: Bool?, at now: Date) {
        let counted = Set(keys(of: attempt, now))
        for key in Self.allKeys(of: attempt) {
            places[key]?.pending[attempt.id] = nil
            if isRight == false, counted.contains(key) {
                makeRoom(for: key, now)
                let end = now.addingTimeInterval(Double(SignInLimits.windowSeconds))
                let before = places[key]?.failures[attempt.id]
                places[key, default: Places()].failures[attempt.id] = before ?? end
            }
            if places[key].map({ $0.failures.isEmpty && $0.pending.isEmpty }) == true { places[key] = nil }
        }
        if isRight == true {
            places[Key(kind: .pair, name: attempt.pair)] = nil
            if known.count >= Self.maximumKeys, let oldest = known.min(by: { $0.value < $1.value }) { known[oldest.key] = nil }
            known[attempt.pair] = now.addingTimeInterval(Double(SignInLimits.knownSeconds))
        }
    }

    private static func allKeys(of attempt: SignInAttempt) -> [Key] {
        [Key(kind: .pair, name: attempt.pair), Key(kind: .account, name: attempt.account)]
            + (attempt.network.map { [Key(kind: .network, name: $0)] } ?? [])
    }

    private func keys(of attempt: SignInAttempt, _ now: Date) -> [Key] {
        if let end = known[attempt.pair], end > now { return [Key(kind: .pair, name: attempt.pair)] }
        return Self.allKeys(of: attempt)
    }

    /// Scans all places; a verification, which costs far more, precedes or follows.
    private mutating func makeRoom(for key: Key, _ now: Date) {
        guard places[key] == nil, places.count >= Self.maximumKeys, let next = places.min(by: { $0.value.lasts < $1.value.lasts }) else { return }
        places[next.key] = nil
    }
}
