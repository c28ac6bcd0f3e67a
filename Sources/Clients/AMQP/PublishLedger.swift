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
        /// Publications before this index have been given out for writing.
        var written = 0
        let deadline: ContinuousClock.Instant
        let waiter: Waiter

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
    private let confirms: Bool

    /// How many publications may wait to be written. A batch that arrives when none is waiting may be larger.
    static var unwrittenBound: Int { 20_000 }

    /// `window` bounds how many publications may be written and unconfirmed.
    init(confirms: Bool, window: Int) {
        self.confirms = confirms
        self.window = ConfirmWindow(capacity: window)
    }

    var isEmpty: Bool { batches.isEmpty }
    var hasUnwritten: Bool { unwrittenCount > 0 && !window.isFull }

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
        var taken: [Publication] = []
        while let id = unwritten.first {
            guard var batch = batches.removeValue(forKey: id) else { unwritten.removeFirst(); continue }
            defer { batches[id] = batch }
            while batch.written < batch.publications.count {
                let index = batch.written
                if batch.outcomes[index] == nil {
                    guard taken.count < limit, !window.isFull else { return taken }
                    taken.append(batch.publications[index])
                    window.append(batch: id, index: index)
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
            if let (code, reason) = entry.returned {
                return settle(entry, .returned(code: code, reason: reason))
            }
            return settle(entry, accepted ? .confirmed : .refused)
        }
    }

    /// Marks the publication that was returned; its confirm follows. A return holds only the message itself: the broker returns in the order of
    /// publishing, so it belongs to the first equal publication after the last one returned. The whole body is compared: of two messages that only look
    /// alike, one may have arrived, and the other would be lost. False when there is none.
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

    /// Fails every batch of which something was written, as the order within it could not be kept otherwise. Batches not yet begun keep waiting.
    mutating func disconnect(_ error: AMQPError) -> [Completion] {
        _ = window.removeAll()
        window.restart()
        return fail(error) { $0.written > 0 }
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
            remove(id, batch) { index in index < batch.written ? unknown : unwrittenError }
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
        guard let isLast = batches[entry.batch]?.settle(entry.index, outcome), isLast else { return nil }
        guard let batch = batches.removeValue(forKey: entry.batch) else { return nil }
        return Completion(waiter: batch.waiter, outcomes: batch.outcomes.compactMap { $0 })
    }
}
