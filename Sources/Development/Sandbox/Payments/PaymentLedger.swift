import Logging
import Synchronization

/// The book and the idempotency keys behind one lock, with the journal that persists them, and the webhooks.
final class PaymentLedger: Sendable {
    private struct State {
        var book = PaymentBook()
        var keys = IdempotencyTable()
        var events = EventLog()
    }

    private let state = Mutex(State())
    let faults = Faults()
    private let publicURL: Mutex<String>
    private let journal: Journal?
    private let webhooks: WebhookDispatcher?
    private let secondsSince1970: @Sendable () -> Int

    init(publicURL: String, journal: Journal?, webhooks: WebhookDispatcher?, secondsSince1970: @escaping @Sendable () -> Int) {
        self.publicURL = Mutex(publicURL)
        self.journal = journal
        self.webhooks = webhooks
        self.secondsSince1970 = secondsSince1970
    }

    /// The base URL of the sandbox for the customer's browser; known for sure only once the port is.
    var address: String {
        get { publicURL.withLock { $0 } }
        set { publicURL.withLock { $0 = newValue } }
    }

    var webhookCounts: (counts: WebhookDispatcher.Counts, queued: Int)? {
        webhooks.map { ($0.counts, $0.queued) }
    }

    func read<Result: Sendable>(_ query: (PaymentBook) throws(StripeError) -> Result) throws(StripeError) -> Result {
        try state.withLock { state throws(StripeError) in try query(state.book) }
    }

    func events<Result: Sendable>(_ query: (EventLog) throws(StripeError) -> Result) throws(StripeError) -> Result {
        try state.withLock { state throws(StripeError) in try query(state.events) }
    }

    /// A caller that gets `.execute` must continue with ``execute(_:key:failingWith:)`` or ``refuse(with:key:)`` with the same key.
    func claim(_ key: IdempotencyKey) -> IdempotencyTable.Claim {
        let now = secondsSince1970()
        return state.withLock { $0.keys.claim(key, at: now) }
    }

    /// Carries the command out. When this returns, the journal has it, and the reply is kept under the key.
    ///
    /// With `failure` the command is carried out all the same, but the client gets the failure, now and at every retry.
    /// - Parameter expand: The references to expand in the reply.
    func execute(
        _ command: PaymentCommand, key: IdempotencyKey?, expand: [String] = [], failingWith failure: StripeError? = nil
    ) async throws -> StoredReply {
        let now = secondsSince1970()
        var outcome = state.withLock { $0.book.apply(command, idempotencyKey: key?.name, now: now) }
        outcome.expand = expand
        if let failure { outcome.reply = .failure(failure) }
        return try await commit(outcome, key: key, now: now)
    }

    /// Carries nothing out, and keeps the failure under the key.
    func refuse(with failure: StripeError, key: IdempotencyKey?) async throws -> StoredReply {
        try await commit(.failure(failure), key: key, now: secondsSince1970())
    }

    /// Completes the refunds that are due, and advances the payments that change by themselves.
    func passTime() async throws {
        let now = secondsSince1970()
        for id in state.withLock({ $0.book.paymentsDue(by: now) }) { _ = try await execute(.pass(id: id), key: nil) }
        for id in state.withLock({ $0.book.refundsEnding(by: now) }) { _ = try await execute(.endRefund(id: id), key: nil) }
    }

    /// Restores everything from the journal, and queues the events whose delivery it does not record.
    func restore() async throws {
        guard let journal else { return }
        let address = address
        var undelivered: [String: (number: Int, type: String, body: [UInt8])] = [:]
        var events = 0
        try await journal.load { entry in
            switch entry {
            case .settled(let eventID):
                undelivered[eventID] = nil
            case .outcome(let outcome, let key, let at):
                state.withLock { state in
                    state.book.store(outcome, at: at)
                    if let key { state.keys.restore(key, reply: outcome.storedReply(publicURL: address, book: state.book), since: at) }
                }
                let happened = outcome.webhookBodies(publicURL: address)
                state.withLock { $0.events.add(happened) }
                for one in happened {
                    undelivered[one.event.id] = (events, one.event.kind.rawValue, one.body)
                    events += 1
                }
            }
        }
        for (id, event) in undelivered.sorted(by: { $0.value.number < $1.value.number }) {
            webhooks?.enqueue(eventID: id, type: event.type, body: event.body, delays: [.zero])
        }
    }

    private func commit(_ outcome: Outcome, key: IdempotencyKey?, now: Int) async throws -> StoredReply {
        var outcome = outcome
        let address = address
        let happened = outcome.webhookBodies(publicURL: address)
        if webhooks == nil { outcome.events = [] }
        let reply = state.withLock { outcome.storedReply(publicURL: address, book: outcome.expand.isEmpty ? nil : $0.book) }
        if let journal, key != nil || outcome.isChange {
            do {
                try await journal.append(.outcome(outcome, key: key, at: now))
            } catch {
                if let key { state.withLock { $0.keys.abandon(key) } }
                throw StripeError.journalUnavailable
            }
        }
        state.withLock { state in
            if let key { state.keys.complete(key, with: reply) }
            state.events.add(happened)
        }
        if let webhooks {
            for one in happened {
                webhooks.enqueue(eventID: one.event.id, type: one.event.kind.rawValue, body: one.body, delays: faults.planWebhook())
            }
        }
        return reply
    }
}
