import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// `payments.unresolved.settle`: an operator reports what was done outside the gateway about money that it does not return or take.
struct SettlePayment: Sendable {
    static let noteLength = 1...500

    /// The id in the list of unresolved payments, or that of the order if only one of its payments waits.
    let id: String
    let settlement: Settlement
    let note: String
    let actor: String

    static func read(_ request: Request) throws -> SettlePayment {
        try Fields.read(request) { fields in
            let wanted = fields.choice("settlement", [Settlement.refundedElsewhere, .writtenOff].map(\.rawValue))
            return SettlePayment(
                id: fields.parameter("id"), settlement: Settlement(rawValue: wanted) ?? .writtenOff, note: fields.text("note", noteLength),
                actor: request.caller.map { caller in caller.email.map { "\($0) (\(caller.id.lowerCaseText))" } ?? caller.id.lowerCaseText } ?? Refund.service)
        }
    }
}

struct Settling: Sendable {
    let clock: any WallClock

    func settle(_ items: [IncomingMessage<SettlePayment>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let found = try await UnresolvedList.find(items.map(\.input.id), on: transaction)
        let subjects = items.map { item in Result { () throws(Problem) in try Self.subject(item.input.id, among: found) } }
        let orders = Array(Set(subjects.compactMap { try? $0.get().order }))
        var attempts = try await Store.lock(orders, on: transaction)
        var ledger = try await RefundStore.ledger(of: orders, on: transaction)
        let now = clock.now()
        var settled: [Decision] = []
        let outcomes = try zip(items, subjects).map { item, subject -> Outcome in
            switch subject {
            case .failure(let problem): return .refused(problem)
            case .success(let subject):
                if subject.kind == .payment, attempts[subject.order]?.isBeingRefunded(at: now) == true {
                    return .refused(.conflict("payment-in-flight", "The gateway is asked to return this payment at this moment; settle it in a minute if it does not."))
                }
                let decision = Decision(id: UUID.v5(namespace: item.request.id, name: "settlement"), subject: subject, input: item.input, at: now)
                guard let messages = try Self.apply(decision, &attempts, &ledger), !settled.contains(where: { $0.subject == subject }) else {
                    return .refused(.notFound("unresolved payment"))
                }
                settled.append(decision)
                return .done(try Reply(json: SettlementView(decision)), emit: messages)
            }
        }
        try await SettlementStore.add(settled, on: transaction)
        try await UnclaimedPayment.settle(settled.filter { $0.subject.kind == .unclaimed }.map(\.subject.id), now: now, on: transaction)
        try await RefundStore.save(ledger, now: now, on: transaction)
        try await Store.save(attempts, now: now, on: transaction)
        return outcomes
    }

    /// The single unresolved payment that `id` names.
    static func subject(_ id: String, among open: [Unsettled]) throws(Problem) -> Unsettled {
        let name = UUID(text: id)?.lowerCaseText ?? id
        var named = open.filter { $0.id == name }
        if named.isEmpty { named = open.filter { $0.order.lowerCaseText == name && $0.kind != .dispute } }
        guard let subject = named.first else { throw .notFound("unresolved payment") }
        guard named.count == 1 else {
            throw .conflict("several-unresolved", "Several payments of the order wait for a decision: \(named.map(\.id).sorted().joined(separator: ", ")).")
        }
        guard subject.kind != .dispute else { throw .conflict("payment-disputed", "A dispute is decided by the customer's bank.") }
        return subject
    }

    /// The messages that follow; nil if it was settled meanwhile.
    static func apply(_ decision: Decision, _ attempts: inout LockedAttempts, _ ledger: inout RefundLedger) throws -> [OutgoingMessage]? {
        let subject = decision.subject
        if subject.kind == .unclaimed { return [] }
        guard var attempt = attempts[subject.order] else { return nil }
        switch subject.kind {
        case .refund:
            guard let id = UUID(text: subject.id), var refund = ledger[id], refund.state == .needsOperator else { return nil }
            refund.settle(decision.settlement, decision.note)
            ledger.put(refund)
            ledger.flag(&attempt)
            if decision.settlement == .refundedElsewhere { attempt.refundedElsewhere += refund.amount }
            return try attempts.put(attempt).messages(about: [refund])
        case .payment:
            guard attempt.settle(decision.settlement, decision.note) else { return nil }
            attempt = attempts.put(attempt)
            let event = attempt.event(.paymentChanged, "settled by an operator: \(decision.settlement.phrase)")
            return [try OutgoingMessage(.request(MessageName.advance), event)]
        case .dispute, .unclaimed: return nil
        }
    }
}

/// What an operator has decided.
struct Decision: Sendable {
    let id: UUID
    let subject: Unsettled
    let settlement: Settlement
    let note: String
    let actor: String
    let at: Date

    init(id: UUID, subject: Unsettled, input: SettlePayment, at: Date) {
        self.id = id
        self.subject = subject
        (settlement, note, actor) = (input.settlement, input.note, input.actor)
        self.at = at
    }
}

/// Something unresolved.
struct Unsettled: Sendable, Hashable {
    let kind: UnresolvedView.Kind
    let id: String
    let order: UUID
    let amount: Money
}

extension Attempt {
    /// Whether the gateway may be carrying out a refund that was requested again.
    fileprivate func isBeingRefunded(at now: Date) -> Bool { state == .needsOperator && sentUntil.map { now < $0 } ?? false }

    /// Records an operator's decision; returns false when none is due.
    mutating func settle(_ settlement: Settlement, _ note: String) -> Bool {
        switch state {
        case .needsOperator:
            if settlement == .refundedElsewhere { refundedElsewhere = max(captured - refunded, 0) }
            state = .settled
        case .uncaptured:
            (state, taken) = (.settled, 0)
        default: return false
        }
        detail = note
        return true
    }
}

extension Settlement {
    var phrase: String {
        switch self {
        case .refundedElsewhere: "refunded outside the payment gateway"
        case .writtenOff: "written off"
        case .nothingLeft: "nothing left to refund"
        }
    }
}
