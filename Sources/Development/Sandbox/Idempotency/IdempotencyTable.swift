/// A stored reply, sent now and on every repetition.
struct StoredReply: Sendable, Equatable {
    let status: Int
    let body: [UInt8]
}

/// What Stripe documents about idempotency keys, as a value: the first request with a key is carried out, the same request
/// gets the same reply for 24 hours, another request is refused, and so is one that comes while the first is still running.
struct IdempotencyTable: Sendable {
    static let lifetimeSeconds = 24 * 60 * 60
    static let maximumKeys = 4_000_000
    /// Old keys are removed a few at a time, so that no request waits for a large cleanup.
    static let maximumPrunedPerClaim = 8

    enum Claim: Sendable, Equatable {
        /// Carry it out, then ``complete(_:with:at:)`` or ``abandon(_:)``.
        case execute
        case replay(StoredReply)
        case refuse(StripeError)
    }

    private enum State {
        case inProgress
        case done(StoredReply)
    }

    private struct Record {
        let key: IdempotencyKey
        let since: Int
        var state: State
    }

    private var records: [String: Record] = [:]
    /// In the order of their age; those before `oldest` are gone.
    private var names: [(name: String, since: Int)] = []
    private var oldest = 0

    var count: Int { records.count }

    mutating func claim(_ key: IdempotencyKey, at now: Int) -> Claim {
        prune(at: now, limit: Self.maximumPrunedPerClaim)
        guard let record = records[key.name], !isExpired(since: record.since, at: now) else {
            guard records.count < Self.maximumKeys else { return .refuse(.full("idempotency keys", limit: Self.maximumKeys)) }
            insert(key, .inProgress, since: now)
            return .execute
        }
        guard record.key.endpoint == key.endpoint else { return .refuse(.keyUsedElsewhere(key.name)) }
        guard record.key.fingerprint == key.fingerprint else { return .refuse(.keyUsedDifferently(key.name)) }
        switch record.state {
        case .inProgress: return .refuse(.keyInUse(key.name))
        case .done(let reply): return .replay(reply)
        }
    }

    mutating func complete(_ key: IdempotencyKey, with reply: StoredReply) {
        records[key.name]?.state = .done(reply)
    }

    /// Nothing was carried out: the key is unused again.
    mutating func abandon(_ key: IdempotencyKey) {
        records[key.name] = nil
    }

    /// Takes a key over from the journal.
    mutating func restore(_ key: IdempotencyKey, reply: StoredReply, since: Int) {
        insert(key, .done(reply), since: since)
    }

    /// Removes up to `limit` keys that are past their lifetime.
    mutating func prune(at now: Int, limit: Int) {
        var looked = 0
        while looked < limit, oldest < names.count, isExpired(since: names[oldest].since, at: now) {
            let (name, since) = names[oldest]
            if records[name]?.since == since { records[name] = nil }
            oldest += 1
            looked += 1
        }
        // Moving the rest down costs its length, so it is done only when half of the list is gone.
        if oldest > 1_000, oldest * 2 > names.count {
            names.removeFirst(oldest)
            oldest = 0
        }
    }

    private mutating func insert(_ key: IdempotencyKey, _ state: State, since: Int) {
        records[key.name] = Record(key: key, since: since, state: state)
        names.append((key.name, since))
    }

    private func isExpired(since: Int, at now: Int) -> Bool {
        now - since >= Self.lifetimeSeconds
    }
}
