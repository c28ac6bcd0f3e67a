/// Which publications are waiting to be written, which are waiting for the broker's confirm, and the outcome of each.
///
/// A decision table without I/O: the publisher holds it in a lock and performs what it returns. `Waiter` is what the caller of a
/// batch is resumed with. Order is kept: batches in the order of their submission, publications in the order within their batch.
struct PublishLedger<Waiter> {
    /// A batch of which every outcome is known.
    struct Completion {
        let waiter: Waiter
        let outcomes: [PublishOutcome]
    }

    private struct Batch {
        let publications: [Publication]
        var outcomes: [PublishOutcome?]
        var unsettled: Int
        /// Publications before this index have been given out for writing on the channel that there is.
        var written = 0
        /// Publications before this index have been given out on any channel: what became of them is not known.
        private(set) var begun = 0
        let deadline: ContinuousClock.Instant
        let waiter: Waiter

        /// Everything from `index` on that has no outcome is written again. Returns how many that are.
        mutating func rewind(to index: Int) -> Int {
            begun = max(begun, written)
            defer { written = index }
            return outcomes.prefix(written).dropFirst(index).count { $0 == nil }
        }

        var hasUnwritten: Bool { outcomes[written...].contains { $0 == nil } }

        /// Returns true when this was the last one.
        mutating func settle(_ index: Int, _ outcome: PublishOutcome) -> Bool {
            if outcomes[index] == nil {
                outcomes[index] = outcome
                unsettled -= 1
            }
            return unsettled == 0
        }
    }

    private typealias BatchID = UInt64
    private var batches: [BatchID: Batch] = [:]
    private var nextID: BatchID = 0
    /// Batches with publications to write; may name batches that are gone.
    private var unwritten = FIFO<UInt64>()
    private var unwrittenCount = 0
    private var window: ConfirmWindow
    /// How many of those to be written next were on a channel that the broker closed because of one of them: each is written alone, so that the next close
    /// says which it was.
    private var suspects = 0
    private(set) var refusedRoutes = RefusedRoutes()
    private var confirmPatience = Self.firstConfirmPatience
    private let confirms: Bool

    /// How long a confirm may take before another channel, to another node, is tried: a queue whose leader's node is frozen confirms nothing that was sent to that
    /// leader. A broker that is only busy loses no more than the time for a new connection, and the longer it is busy the more seldom.
    static var firstConfirmPatience: Duration { .seconds(3) }
    static var longestConfirmPatience: Duration { .seconds(48) }
    /// How many publications may wait to be written. A batch that finds none waiting may be larger.
    static var unwrittenBound: Int { 20_000 }

    /// `window` bounds how many publications may be written and unconfirmed.
    init(confirms: Bool, window: Int) {
        self.confirms = confirms
        self.window = ConfirmWindow(capacity: window)
    }

    var isEmpty: Bool { batches.isEmpty }
    var hasUnwritten: Bool { unwrittenCount > 0 && !window.isFull && (suspects == 0 || window.isEmpty) }
    /// Whether a caller waits for an outcome that the broker still owes.
    var awaitsConfirms: Bool { window.entries.contains { isOpen($0) } }

    // MARK: In

    /// Adds a batch. Publications with a rejection are not sent. Returns the outcomes when nothing remains to be done.
    mutating func submit(
        _ publications: [Publication], rejections: [Int: AMQPError], deadline: ContinuousClock.Instant, waiter: Waiter
    ) -> [PublishOutcome]? {
        var outcomes = [PublishOutcome?](repeating: nil, count: publications.count)
        for (index, error) in rejections { outcomes[index] = .failed(error) }
        let open = publications.count - rejections.count
        if open > 0, unwrittenCount > 0, unwrittenCount + open > Self.unwrittenBound {
            let error = AMQPError(.windowFull, "\(unwrittenCount) publications are waiting already: slow down", isTransient: true)
            return outcomes.map { $0 ?? .failed(error) }
        }
        guard open > 0 else { return outcomes.compactMap { $0 } }
        nextID += 1
        batches[nextID] = Batch(
            publications: publications, outcomes: outcomes, unsettled: open, deadline: deadline, waiter: waiter
        )
        unwritten.append(nextID)
        unwrittenCount += open
        return nil
    }

    // MARK: Out

    /// The next publications to write, as far as the window and `limit` allow. They count as written, in this order.
    mutating func take(limit: Int) -> [Publication] {
        guard suspects > 0 else { return takeNext(limit) }
        guard window.isEmpty else { return [] }
        let taken = takeNext(1)
        suspects = taken.isEmpty ? 0 : suspects - 1
        return taken
    }

    private mutating func takeNext(_ limit: Int) -> [Publication] {
        var taken: [Publication] = []
        let now = ContinuousClock.now
        while let id = unwritten.first {
            guard var batch = batches.removeValue(forKey: id) else { unwritten.removeFirst(); continue }
            defer { batches[id] = batch }
            while batch.written < batch.publications.count {
                let index = batch.written
                if batch.outcomes[index] == nil {
                    guard taken.count < limit, !window.isFull else { return taken }
                    taken.append(batch.publications[index])
                    window.append(batch: id, index: index, at: now)
                    unwrittenCount -= 1
                }
                batch.written += 1
            }
            unwritten.removeFirst()
        }
        return taken
    }

    /// Without confirms: everything written counts as confirmed.
    mutating func wrote() -> [Completion] {
        guard !confirms else { return [] }
        return window.removeAll().compactMap { settle($0, .confirmed) }
    }

    // MARK: The broker's answers

    mutating func confirm(number: UInt64, multiple: Bool, accepted: Bool) -> [Completion] {
        window.confirm(number: number, multiple: multiple).compactMap { entry in
            note(entry, accepted)
            if let (code, reason) = entry.returned {
                return settle(entry, .returned(code: code, reason: reason))
            }
            return settle(entry, accepted ? .confirmed : .refused)
        }
    }

    private mutating func note(_ entry: ConfirmWindow.Entry, _ accepted: Bool) {
        guard !accepted || !refusedRoutes.isEmpty, let publication = batches[entry.batch]?.publications[entry.index] else { return }
        if accepted { refusedRoutes.accepted(publication) } else { refusedRoutes.refused(publication, at: .now) }
    }

    /// Whether a new channel may reach what this one does not. Asked again, it says no for a while.
    mutating func needsNewChannel(at now: ContinuousClock.Instant) -> Bool {
        if !refusedRoutes.isEmpty, refusedRoutes.needNewChannel() { return true }
        guard let written = window.oldestWritten else {
            confirmPatience = Self.firstConfirmPatience
            return false
        }
        guard now - written >= confirmPatience else { return false }
        confirmPatience = min(confirmPatience * 2, Self.longestConfirmPatience)
        return true
    }

    /// What has been amiss for `limit` or longer, in words for people.
    func trouble(for limit: Duration, at now: ContinuousClock.Instant) -> String? {
        if let written = window.oldestWritten, now - written >= limit {
            return "a message has not been confirmed for \((now - written).components.seconds) s: a queue has no leader, or the broker is slow"
        }
        return refusedRoutes.longest(atLeast: limit, at: now).map { route in
            "every message for \(route.name) has been refused for \(route.duration.components.seconds) s: its queue is full, or has no leader"
        }
    }

    /// Marks the publication that came back; its confirm follows. A return says only what was in the message: the broker returns in the order of
    /// publishing, so the first one after the last return that says the same is meant. All of the body is compared: of two messages that only look
    /// the same, one may have arrived, and the other would be lost. False when there is none.
    mutating func returned(_ message: ReturnedMessage) -> Bool {
        window.markReturned(code: message.code, reason: message.reason) { entry in
            guard let publication = batches[entry.batch]?.publications[entry.index] else { return false }
            return publication.mandatory
                && publication.routingKey == message.routingKey
                && publication.exchange == message.exchange
                && publication.properties.messageID == message.properties.messageID
                && publication.properties.correlationID == message.properties.correlationID
                && publication.body == message.body
        }
    }

    // MARK: Failure

    /// The channel is gone.
    ///
    /// A channel that the broker closed because of a publication: that one fails, and nothing else. Where several were on their way, all of them are written again,
    /// one at a time, until it is known which. One that was given up as useless: what was on its way is written again. So the broker may get a publication twice.
    ///
    /// Any other loss fails every batch of which something was written, as the order within it could not be kept otherwise. Batches that have not begun wait on.
    mutating func disconnect(_ error: AMQPError) -> [Completion] {
        let open = window.entries.filter { isOpen($0) }
        _ = window.removeAll()
        window.restart()
        if confirms, error == .uselessChannel {
            writeAgain(open)
            return []
        }
        guard confirms, error.isRefusal else { return fail(error) { $0.written > 0 } }
        if let only = open.first, open.count == 1 { return refuse(only, error) }
        writeAgain(open)
        suspects = open.count
        return []
    }

    /// Fails a publication that was refused, and with it those that wait and would be refused for the same reason.
    private mutating func refuse(_ entry: ConfirmWindow.Entry, _ error: AMQPError) -> [Completion] {
        guard let refused = batches[entry.batch]?.publications[entry.index] else { return [] }
        var completions = [settle(entry, .failed(error))]
        for (id, batch) in batches.sorted(by: { $0.key < $1.key }) {
            for index in batch.publications.indices.dropFirst(batch.written) where batch.outcomes[index] == nil && error.refuses(batch.publications[index], as: refused) {
                unwrittenCount -= 1
                completions.append(settle(batch: id, index, .failed(error)))
            }
        }
        return completions.compactMap(\.self)
    }

    private mutating func writeAgain(_ entries: [ConfirmWindow.Entry]) {
        // In their order, so that the first of each batch is its lowest.
        for (id, first) in Dictionary(entries.map { ($0.batch, $0.index) }, uniquingKeysWith: { first, _ in first }) {
            unwrittenCount += batches[id]?.rewind(to: first) ?? 0
        }
        unwritten = FIFO(batches.filter(\.value.hasUnwritten).keys.sorted())
    }

    private func isOpen(_ entry: ConfirmWindow.Entry) -> Bool {
        guard let batch = batches[entry.batch] else { return false }
        return batch.outcomes[entry.index] == nil
    }

    mutating func failAll(_ error: AMQPError) -> [Completion] {
        fail(error) { _ in true }
    }

    /// Fails what is past its deadline: what was not written with `unwrittenError`, what was written with an unknown outcome.
    mutating func expire(_ now: ContinuousClock.Instant, unwrittenError: AMQPError) -> [Completion] {
        let unknown = AMQPError(
            .deadlineExceeded, "the broker did not confirm before the deadline; it may have the message", isTransient: true
        )
        return batches.filter { $0.value.deadline <= now }.map { id, batch in
            remove(id, batch) { index in index < max(batch.written, batch.begun) ? unknown : unwrittenError }
        }
    }

    var nextDeadline: ContinuousClock.Instant? {
        batches.values.lazy.map(\.deadline).min()
    }

    private mutating func fail(_ error: AMQPError, where applies: (Batch) -> Bool) -> [Completion] {
        batches.filter { applies($0.value) }.sorted { $0.key < $1.key }.map { id, batch in
            remove(id, batch) { _ in error }
        }
    }

    private mutating func remove(_ id: BatchID, _ batch: Batch, _ error: (Int) -> AMQPError) -> Completion {
        batches[id] = nil
        unwrittenCount -= batch.outcomes[batch.written...].count { $0 == nil }
        let outcomes = batch.outcomes.enumerated().map { index, outcome in outcome ?? .failed(error(index)) }
        return Completion(waiter: batch.waiter, outcomes: outcomes)
    }

    private mutating func settle(_ entry: ConfirmWindow.Entry, _ outcome: PublishOutcome) -> Completion? {
        settle(batch: entry.batch, entry.index, outcome)
    }

    private mutating func settle(batch id: BatchID, _ index: Int, _ outcome: PublishOutcome) -> Completion? {
        guard let isLast = batches[id]?.settle(index, outcome), isLast else { return nil }
        guard let batch = batches.removeValue(forKey: id) else { return nil }
        return Completion(waiter: batch.waiter, outcomes: batch.outcomes.compactMap { $0 })
    }
}

extension AMQPError {
    /// Whether this reason to refuse `refused` is one to refuse `other`: permissions go by exchange and routing key.
    fileprivate func refuses(_ other: Publication, as refused: Publication) -> Bool {
        guard other.exchange == refused.exchange else { return false }
        return code == .notFound || code == .accessRefused && other.routingKey == refused.routingKey
    }
}
