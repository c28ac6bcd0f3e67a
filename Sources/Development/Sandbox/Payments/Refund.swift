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
    let metadata: [String: String]
    let paymentIntent: String
    let reason: Reason?
    private(set) var current: Status?
    /// How it will end, and when, in seconds since 1970.
    private(set) var end: End?

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

    /// The refund in its final state; nil when it has no later end.
    func ended() -> Refund? {
        guard let end else { return nil }
        var refund = self
        (refund.current, refund.end) = (end.status, nil)
        return refund
    }

    func write(to writer: inout JSONWriter) {
        writer.object { writeFields(to: &$0) }
    }

    /// The same with the sandbox's own fields.
    func writeRecord(to writer: inout JSONWriter) {
        writer.object { writer in
            writeFields(to: &writer)
            guard let end else { return }
            writer.field("end") { writer in
                writer.object { writer in
                    writer.field("status", end.status.rawValue)
                    writer.field("at", end.at)
                }
            }
        }
    }

    private func writeFields(to writer: inout JSONWriter) {
        writer.field("id", id)
        writer.field("object", "refund")
        writer.field("amount", amount)
        writer.field("charge", charge)
        writer.field("created", created)
        writer.field("currency", currency)
        if status == .failed { writer.field("failure_reason", "expired_or_canceled_card") }
        writer.field("metadata", metadata)
        writer.field("payment_intent", paymentIntent)
        writer.field("reason", reason?.rawValue)
        writer.field("status", status.rawValue)
    }
}

extension Refund: Decodable {
    enum CodingKeys: String, CodingKey {
        case id, amount, currency, charge, created, metadata, reason, end
        case current = "status"
        case paymentIntent = "payment_intent"
    }
}

/// What a client asks for when it refunds.
struct RefundDraft: Sendable, Equatable {
    var paymentIntent: String
    /// nil refunds all that is left.
    var amount: Int?
    var reason: Refund.Reason?
    var metadata: [String: String] = [:]
}
