import Contracts
import FoundationEssentials
import Messaging
import Synchronization
import WebClient

/// The gateways' side of the simulation, Stripe's and PayPal's: it carries out the requests that reach it, late if need be, and sends every change to the webhook until the webhook accepts it.
final class ModelGateway: Sendable {
    static let lateness = 5_000...200_000
    static let searchLag = 500...40_000
    /// Longer than any caller waits: the index never gets to it.
    static let endlessSearchLag = 86_400_000...86_400_000
    /// How many of the lags are endless.
    static let endlessSearchLags = 0.3
    static let webhookDelay = 20...2_000
    static let webhookLateness = 5_000...90_000
    /// How many of the events about an approval never arrive.
    static let unheardApprovals = 0.3
    static let review = 1_000...60_000

    private struct State {
        var book = GatewayBook()
        var undelivered = 0
        var awayUntil: Int64 = 0
        /// Charges that will still be carried out although their callers have given up, and choices that customers have yet to make.
        var late = 0
    }

    /// Receives an event; returns false to have it sent again later.
    typealias Webhook = @Sendable (_ gateway: GatewayName, _ body: [UInt8]) async -> Bool

    private let state = Mutex(State())
    private let webhook = Mutex<Webhook?>(nil)
    private let isVoided = Mutex<(@Sendable (UUID) -> Bool)?>(nil)
    let clock: SimulatedClock
    let scheduler: Scheduler
    let faults: Faults
    let visits: Visits

    init(clock: SimulatedClock, scheduler: Scheduler, faults: Faults, visits: Visits) {
        (self.clock, self.scheduler, self.faults, self.visits) = (clock, scheduler, faults, visits)
    }

    func setWebhook(_ take: @escaping Webhook) {
        webhook.withLock { $0 = take }
    }

    /// - Parameter check: Whether payments considers the order's payment voided.
    func setVoidedCheck(_ check: @escaping @Sendable (UUID) -> Bool) {
        isVoided.withLock { $0 = check }
    }

    func setAway(until: Int64) {
        state.withLock { $0.awayUntil = until }
    }

    var isAway: Bool { state.withLock { $0.awayUntil } > clock.elapsed }

    /// What is still to follow from earlier requests.
    var pending: Int { state.withLock { $0.undelivered + $0.late } }

    var intents: [GatewayBook.Intent] { state.withLock { $0.book.intents } }

    /// - Parameter isHeard: Whether the webhook receives the events; an event that could not be delivered for too long is dropped.
    @discardableResult
    func carryOut(_ request: WebRequest, isHeard: Bool = true) -> GatewayBook.Answer {
        let now = clock.elapsed
        let path = request.path
        guard request.method == "POST" else { return state.withLock { $0.book.get(path, now: now) } }
        let lag: Int64 = faults.strikes(.searchLags) ? searchLag().microseconds : 0
        let key = request.headers.first { $0.name == "Idempotency-Key" || $0.name == "PayPal-Request-Id" }?.value
        let answer = state.withLock { $0.book.post(path, request.parameters, text: request.body, key: key, searchable: now + lag) }
        faults.trace.note("gateway: \(path) \(answer.status)\(answer.isRecalled ? " recalled" : "")")
        if answer.isRecalled { visits.note(Moment.keyRepeated) }
        if !isHeard, !answer.events.isEmpty, path.hasSuffix("/payment_intents") { visits.note(Moment.chargeUnheard) }
        for event in answer.events where isHeard { notify(event.type, event.intent) }
        return answer
    }

    private func searchLag() -> Duration {
        let isEndless = faults.chance.happens(Self.endlessSearchLags)
        if isEndless { visits.note(Moment.endlessSearchLag) }
        return faults.chance.duration(milliseconds: isEndless ? Self.endlessSearchLag : Self.searchLag)
    }

    /// Carries out `request` long after its sender has stopped waiting.
    func carryOutLate(_ request: WebRequest) {
        state.withLock { $0.late += 1 }
        let absence = Duration.microseconds(max(0, state.withLock { $0.awayUntil } - clock.elapsed))
        clock.schedule(after: absence + faults.chance.duration(milliseconds: Self.lateness)) { [self] in
            let before = intents
            carryOut(request)
            state.withLock { $0.late -= 1 }
            guard request.path.hasSuffix("/payment_intents"), intents.count > before.count else { return }
            visits.note(Moment.lateCharge)
            if let new = intents.last, isVoided.withLock({ $0 })?(new.order) == true { visits.note(Moment.lateChargeOfVoided) }
        }
    }

    func authenticate(_ order: UUID, succeeds: Bool) -> Bool {
        guard let answer = state.withLock({ $0.book.authenticate(order, succeeds: succeeds) }) else { return false }
        faults.trace.note("gateway: authentication \(succeeds ? "succeeds" : "fails")")
        for event in answer.events { notify(event.type, event.intent) }
        return true
    }

    // MARK: At PayPal

    /// The customer's choice on PayPal's page; returns false if it cannot be made any more.
    func choose(_ choice: GatewayBook.PayPal.Choice, _ order: UUID) -> Bool {
        let isTooLate = isVoided.withLock { $0 }?(order) == true
        guard let answer = state.withLock({ $0.book.approve(order, choice, isTooLate: isTooLate) }) else { return false }
        faults.trace.note("gateway: approval")
        visits.note(isTooLate ? Moment.approvedTooLate : Moment.approved)
        for event in answer.events {
            if faults.isOn, faults.chance.happens(Self.unheardApprovals) { visits.note(Moment.approvalUnheard) } else { notify(event.type, event.intent) }
        }
        guard choice == .review else { return true }
        // The review ends after its capture has begun, if it does.
        state.withLock { $0.late += 1 }
        let isCompleted = faults.chance.happens(0.5)
        endReview(of: order, isCompleted: isCompleted, looks: 20)
        return true
    }

    /// Makes the choice after a delay. The simulation does not end before it.
    func choose(_ choice: GatewayBook.PayPal.Choice, _ order: UUID, after delay: Duration) {
        state.withLock { $0.late += 1 }
        clock.schedule(after: delay) { [self] in
            _ = choose(choice, order)
            state.withLock { $0.late -= 1 }
        }
    }

    /// Whether the order is paid on PayPal's pages.
    func isAtPayPal(_ order: UUID) -> Bool { intents.contains { $0.order == order && $0.payPal != nil } }

    private func endReview(of order: UUID, isCompleted: Bool, looks: Int) {
        clock.schedule(after: faults.chance.duration(milliseconds: Self.review)) { [self] in
            if let answer = state.withLock({ $0.book.endReview(order, isCompleted: isCompleted) }) {
                visits.note(isCompleted ? Moment.reviewCompleted : Moment.reviewDenied)
                for event in answer.events { notify(event.type, event.intent) }
            } else if looks > 1 {
                return endReview(of: order, isCompleted: isCompleted, looks: looks - 1)
            }
            state.withLock { $0.late -= 1 }
        }
    }

    // MARK: What others do

    /// The bank ends the authorization of a payment that was not captured.
    func endAuthorization(_ order: UUID) -> Bool {
        guard let answer = state.withLock({ $0.book.endAuthorization(order) }) else { return false }
        faults.trace.note("gateway: an authorization ends")
        for event in answer.events { notify(event.type, event.intent) }
        return true
    }

    func refundByHand(_ order: UUID, amount: Int) -> Bool {
        meddle(order) { intent, number in
            guard intent.amount - intent.refunded >= amount, intent.dispute != "needs_response" else { return nil }
            intent.refunds.insert(GatewayBook.Refund(id: "re_\(number)", amount: amount, metadata: [:], status: "succeeded"), at: 0)
            return "charge.refunded"
        }
    }

    /// The customer's bank returns the newest refund.
    func failRefund(_ order: UUID) -> Bool {
        meddle(order) { intent, _ in
            guard let place = intent.refunds.firstIndex(where: { $0.status == "succeeded" }) else { return nil }
            intent.refunds[place].status = "failed"
            return "refund.failed"
        }
    }

    func dispute(_ order: UUID) -> Bool {
        meddle(order) { intent, _ in
            guard intent.dispute == nil else { return nil }
            intent.dispute = "needs_response"
            return "charge.dispute.created"
        }
    }

    func decideDispute(_ order: UUID, isWon: Bool) {
        _ = meddle(order) { intent, _ in
            intent.dispute = isWon ? "won" : "lost"
            return "charge.dispute.closed"
        }
    }

    private func meddle(_ order: UUID, _ change: (inout GatewayBook.Intent, _ number: Int) -> String?) -> Bool {
        guard let answer = state.withLock({ $0.book.meddle(order, change) }) else { return false }
        for event in answer.events {
            faults.trace.note("gateway: \(event.type) of \(event.intent.id)")
            notify(event.type, event.intent)
        }
        return true
    }

    // MARK: Webhooks

    private func notify(_ type: String, _ intent: GatewayBook.Intent) {
        let body = state.withLock { $0.book.eventBody(type, intent) }
        for _ in 0..<(faults.strikes(.webhookTwice) ? 2 : 1) {
            state.withLock { $0.undelivered += 1 }
            let delay = faults.chance.duration(milliseconds: faults.strikes(.webhookLate) ? Self.webhookLateness : Self.webhookDelay)
            scheduler.spawn { [self] in
                try? await clock.sleep(for: delay)
                let gateway = intent.payPal == nil ? GatewayName.stripe : .paypal
                while await webhook.withLock({ $0 })?(gateway, body) == false { try? await clock.sleep(for: .seconds(5)) }
                state.withLock { $0.undelivered -= 1 }
            }
        }
    }
}

extension WebRequest {
    /// Without scheme and host.
    var path: String {
        "/" + url.split(separator: "/", maxSplits: 2).dropFirst(2).joined()
    }

    /// The fields of a form.
    var parameters: [String: String] {
        Dictionary((PercentEncoding.fields(body) ?? []).map { ($0.name, $0.value) }) { $1 }
    }
}
