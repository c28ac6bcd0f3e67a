import JSON

/// Money given back. Most refunds succeed when they are made; some test cards' end later, and one may fail after it had succeeded.
struct Refund: Sendable, Equatable {
    enum Reason: String, Sendable, CaseIterable, Decodable {
        case duplicate
        case fraudulent
        case requestedByCustomer = "requested_by_customer"
    }

    enum Status: String, Sendable, CaseIterable, Decodable {
        case pending, succeeded, failed
    }

    /// The journal of an earlier version has no status, and nothing that ends later.
    struct End: Sendable, Equatable, Decodable {
        let status: Status
        let at: Int
    }

    let id: String
    let amount: Int
    let currency: String
    let charge: String?
    let created: Int
    private(set) var metadata: [String: String]
    let paymentIntent: String
    let reason: Reason?
    private(set) var current: Status?
    /// How it will end, and when, in seconds since 1970.
    private(set) var end: End?
    /// Increases by one with every change; nil in the journal of an earlier version.
    private(set) var revision: Int?

    var status: Status { current ?? .succeeded }

    /// - Parameter card: Some test cards' refunds end later, or fail.
    init(
        id: String, amount: Int, currency: String, charge: String?, created: Int, metadata: [String: String], paymentIntent: String, reason: Reason?,
        card: TestCard? = nil, delay: Int = 0
    ) {
        self.id = id
        self.amount = amount
        self.currency = currency
        self.charge = charge
        self.created = created
        self.metadata = metadata
        self.paymentIntent = paymentIntent
        self.reason = reason
        switch card {
        case .refundFails: (current, end) = (.succeeded, End(status: .failed, at: created + delay))
        case .refundPending: (current, end) = (.pending, End(status: .succeeded, at: created + delay))
        default: current = .succeeded
        }
    }

    func with(_ change: MetadataChange) -> Refund {
        var refund = self
        refund.metadata = change.applied(to: metadata)
        refund.revision = (revision ?? 0) + 1
        return refund
    }

    /// The refund in its final state; nil when it has no later end.
    func ended() -> Refund? {
        guard let end else { return nil }
        var refund = self
        (refund.current, refund.end) = (end.status, nil)
        refund.revision = (revision ?? 0) + 1
        return refund
    }

    func write(to writer: inout JSONWriter, _ showing: Showing) {
        writer.object { writeFields(to: &$0, showing) }
    }

    /// The same with the sandbox's own fields.
    func writeRecord(to writer: inout JSONWriter) {
        writer.object { writer in
            writeFields(to: &writer, Showing(publicURL: ""))
            if let revision { writer.field("revision", revision) }
            guard let end else { return }
            writer.field("end") { writer in
                writer.object { writer in
                    writer.field("status", end.status.rawValue)
                    writer.field("at", end.at)
                }
            }
        }
    }

    private func writeFields(to writer: inout JSONWriter, _ showing: Showing) {
        writer.field("id", id)
        writer.field("object", "refund")
        writer.field("amount", amount)
        let transaction = BalanceTransaction.id(ofRefund: id)
        writer.reference("balance_transaction", transaction, showing) { writer, book, _ in book.write(transaction: transaction, to: &writer) }
        writer.reference("charge", charge, showing) { writer, book, showing in book.write(charge: charge, to: &writer, showing) }
        writer.field("created", created)
        writer.field("currency", currency)
        if status == .failed {
            let transaction = BalanceTransaction.id(ofFailedRefund: id)
            writer.reference("failure_balance_transaction", transaction, showing) { writer, book, _ in book.write(transaction: transaction, to: &writer) }
            writer.field("failure_reason", "expired_or_canceled_card")
        }
        writer.field("metadata", metadata)
        writer.reference("payment_intent", paymentIntent, showing) { writer, book, showing in book.write(payment: paymentIntent, to: &writer, showing) }
        writer.field("reason", reason?.rawValue)
        writer.field("receipt_number", nil as String?)
        writer.field("status", status.rawValue)
    }
}

extension Refund: Decodable {
    enum CodingKeys: String, CodingKey {
        case id, amount, currency, charge, created, metadata, reason, end, revision
        case current = "status"
        case paymentIntent = "payment_intent"
    }
}

/// What a client asks for when it refunds.
struct RefundDraft: Sendable, Equatable {
    /// A payment, or one of its charges.
    var paymentIntent: String
    /// nil refunds all that is left.
    var amount: Int?
    var reason: Refund.Reason?
    var metadata: [String: String] = [:]
}
