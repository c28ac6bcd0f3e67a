import FoundationEssentials
import Logging
import Secrets
import Synchronization
import WebClient

/// The book, the request ids and the tokens behind one lock, and the webhooks.
final class PayPalLedger: Sendable {
    /// How long PayPal keeps the answer to a request id of an order, in seconds.
    static let keyLife = 6 * 3_600
    /// The most that are kept; beyond that, the oldest are forgotten.
    static let maximumKeys = 500_000
    static let maximumTokens = 1_000

    private struct Answer {
        let fingerprint: String
        let reply: StoredReply
        let since: Int
    }

    private struct State {
        var book = PayPalBook()
        var answers: [String: Answer] = [:]
        var keys: [String] = []
        var tokens: [String: Int] = [:]
        /// How many of the next events are lost.
        var losing = 0
    }

    let account: PayPalAccount
    let faults = Faults()
    /// The certificate of the key that signs webhooks, as a PEM file.
    let certificate: [UInt8]
    let certificateName = "CERT-\(PayPalID.make())"
    private let address: @Sendable () -> String
    let now: @Sendable () -> Int
    private let state = Mutex(State())
    private let dispatcher: WebhookDispatcher?
    /// Holds payments only: a restarted sandbox has forgotten request ids, tokens and undelivered webhooks.
    let journal: Journal?

    init(
        _ account: PayPalAccount, journal: Journal?, transport: any HTTPTransport, logger: Logger, address: @escaping @Sendable () -> String, now: @escaping @Sendable () -> Int
    ) throws {
        self.account = account
        self.journal = journal
        self.address = address
        self.now = now
        let key = try SigningKey()
        certificate = try key.certificate(name: "messageverificationcerts.sandbox.paypal.com")
        let name = certificateName
        dispatcher = account.webhookURL.map { url in
            WebhookDispatcher(
                url: url, sign: { body, seconds in PayPalSignature(body, account.webhookID, at: seconds).headers(key, certificate: "\(address())\(PayPalSignature.path)\(name)") },
                transport: transport, logger: logger, secondsSince1970: now, onSettled: { _ in })
        }
    }

    var url: String { address() }
    var webhooks: WebhookDispatcher? { dispatcher }

    func read<Result: Sendable>(_ query: (PayPalBook) throws(PayPalError) -> Result) throws(PayPalError) -> Result {
        try state.withLock { state throws(PayPalError) in try query(state.book) }
    }

    /// Carries out a change, or returns the earlier answer if its request id was used before.
    func perform(
        _ requestID: String?, _ fingerprint: String, reply: (PayPalPayment) -> StoredReply, _ change: (inout PayPalBook, Int) throws(PayPalError) -> PayPalBook.Change
    ) async throws -> StoredReply {
        let (answer, changed) = carryOut(requestID, fingerprint, reply: reply, change)
        if let changed { try await write(changed) }
        return answer
    }

    private func carryOut(
        _ requestID: String?, _ fingerprint: String, reply: (PayPalPayment) -> StoredReply, _ change: (inout PayPalBook, Int) throws(PayPalError) -> PayPalBook.Change
    ) -> (StoredReply, PayPalPayment?) {
        let now = now()
        return state.withLock { state in
            if let requestID, let known = state.answers[requestID], now - known.since < Self.keyLife {
                guard known.fingerprint == fingerprint else {
                    return (PayPalError.unprocessable("DUPLICATE_REQUEST_ID", "The request ID was used for another request.").reply, nil)
                }
                return (StoredReply(status: known.reply.status == 201 ? 200 : known.reply.status, body: known.reply.body), nil)
            }
            let answer: StoredReply
            var changed: PayPalPayment?
            do throws(PayPalError) {
                let done = try change(&state.book, now)
                answer = reply(done.payment)
                announce(done, &state, now)
                changed = done.payment
            } catch {
                answer = error.reply
            }
            if let requestID { keep(Answer(fingerprint: fingerprint, reply: answer, since: now), requestID, &state) }
            return (answer, changed)
        }
    }

    private func write(_ payment: PayPalPayment) async throws {
        guard let journal else { return }
        try await journal.append(line: Array(try JSONEncoder().encode(payment)) + [UInt8(ascii: "\n")])
    }

    func restore() async throws {
        try await journal?.load(PayPalPayment.self) { payment in state.withLock { $0.book.restore(payment) } }
    }

    /// A change without a request id, by the customer or the operator.
    func change(_ change: (inout PayPalBook, Int) throws(PayPalError) -> PayPalBook.Change) async throws -> PayPalPayment {
        let now = now()
        let payment = try state.withLock { state throws(PayPalError) in
            let done = try change(&state.book, now)
            announce(done, &state, now)
            return done.payment
        }
        try await write(payment)
        return payment
    }

    /// Drops the next events instead of sending them.
    func lose(_ count: Int) { state.withLock { $0.losing = count } }

    private func announce(_ change: PayPalBook.Change, _ state: inout State, _ now: Int) {
        guard let dispatcher else { return }
        for event in change.events {
            if state.losing > 0 {
                state.losing -= 1
                continue
            }
            dispatcher.enqueue(eventID: event.id, type: event.kind.rawValue, body: event.body(change.payment, address: address(), at: now), delays: faults.planWebhook())
        }
    }

    private func keep(_ answer: Answer, _ key: String, _ state: inout State) {
        if state.answers.updateValue(answer, forKey: key) == nil { state.keys.append(key) }
        guard state.keys.count > Self.maximumKeys else { return }
        for old in state.keys.prefix(Self.maximumKeys / 10) { state.answers[old] = nil }
        state.keys.removeFirst(Self.maximumKeys / 10)
    }

    // MARK: Tokens

    func grant() -> String {
        let token = "A21AA\(Identifier.make(""))"
        let end = now() + account.tokenLife
        state.withLock { state in
            if state.tokens.count >= Self.maximumTokens { state.tokens = [:] }
            state.tokens[token] = end
        }
        return token
    }

    func admits(_ token: String) -> Bool {
        let now = now()
        return state.withLock { $0.tokens[token].map { $0 > now } ?? false }
    }

    func revokeTokens() { state.withLock { $0.tokens = [:] } }
}
