import Synchronization

/// One request on its way, shared by the task that waits for it and the thread that carries it out.
///
/// It is settled exactly once, by whichever comes first: the response, an error, or the task's cancellation.
final class Transfer: Sendable, Equatable {
    typealias Outcome = Result<WebResponse, WebClientError>

    enum Exchange: Sendable {
        case http(WebRequest)
        case mail(MailEnvelope)
    }

    private struct State {
        var outcome: Outcome?
        var continuation: CheckedContinuation<Outcome, Never>?
        var attempts = 0
    }

    let exchange: Exchange
    let destination: Destination
    let deadline: ContinuousClock.Instant
    private let state = Mutex(State())

    init(_ exchange: Exchange, destination: Destination, deadline: ContinuousClock.Instant) {
        self.exchange = exchange
        self.destination = destination
        self.deadline = deadline
    }

    static func == (a: Transfer, b: Transfer) -> Bool { a === b }

    var isSettled: Bool { state.withLock { $0.outcome != nil } }

    /// Whether a connection was up and the request was handed to it.
    var mayHaveBeenSent: Bool { state.withLock { $0.attempts > 0 } }

    /// The continuation is resumed when the transfer is settled: now, if it already is.
    func attach(_ continuation: CheckedContinuation<Outcome, Never>) {
        let outcome = state.withLock { state in
            if state.outcome == nil { state.continuation = continuation }
            return state.outcome
        }
        if let outcome { continuation.resume(returning: outcome) }
    }

    /// False when the transfer was settled before, and nothing changes.
    @discardableResult
    func settle(_ outcome: Outcome) -> Bool {
        settle { _ in outcome }
    }

    @discardableResult
    func fail(_ code: WebClientError.Code, _ message: String) -> Bool {
        settle { mayHaveBeenSent in
            .failure(WebClientError(code: code, message: message, requestMayHaveBeenSent: mayHaveBeenSent))
        }
    }

    /// The outcome is made under the lock, so that nothing is sent between checking and settling.
    private func settle(_ makeOutcome: (_ mayHaveBeenSent: Bool) -> Outcome) -> Bool {
        typealias Settled = (outcome: Outcome, waiter: CheckedContinuation<Outcome, Never>?)
        let settled: Settled? = state.withLock { state in
            guard state.outcome == nil else { return nil }
            let outcome = makeOutcome(state.attempts > 0)
            defer { state.continuation = nil }
            state.outcome = outcome
            return (outcome, state.continuation)
        }
        guard let settled else { return false }
        settled.waiter?.resume(returning: settled.outcome)
        return true
    }

    /// Called when the connection is up and before the first byte of the request. False forbids sending: the transfer was
    /// settled meanwhile, and its waiting task has been informed whether anything was sent; or it was sent before, the connection
    /// died, and a second sending could do the work twice.
    func beginSending() -> Bool {
        state.withLock { state in
            guard state.outcome == nil, state.attempts == 0 || isRepeatable else { return false }
            state.attempts += 1
            return true
        }
    }

    private var isRepeatable: Bool {
        switch exchange {
        case .http(let request): request.isRepeatable
        case .mail: false
        }
    }
}
