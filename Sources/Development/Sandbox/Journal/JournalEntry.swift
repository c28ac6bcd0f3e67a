import JSON

/// One line of the journal: either everything that one request did, so that it is there as a whole or not at all, or that an
/// event needs no more delivery.
enum JournalEntry: Sendable, Equatable {
    case outcome(Outcome, key: IdempotencyKey?, at: Int)
    case settled(eventID: String)

    /// JSON with a newline at its end.
    var line: [UInt8] {
        var bytes = JSONWriter.object { writer in
            switch self {
            case .settled(let eventID):
                writer.field("settled", eventID)
            case .outcome(let outcome, let key, let at):
                outcome.writeRecord(to: &writer)
                if let key { writer.field("key") { key.writeRecord(to: &$0) } }
                writer.field("at", at)
            }
        }
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }
}

extension JournalEntry: Decodable {
    private enum CodingKeys: String, CodingKey {
        case settled, key, at
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let eventID = try container.decodeIfPresent(String.self, forKey: .settled) {
            self = .settled(eventID: eventID)
        } else {
            self = .outcome(
                try Outcome(from: decoder), key: try container.decodeIfPresent(IdempotencyKey.self, forKey: .key),
                at: try container.decode(Int.self, forKey: .at))
        }
    }
}

extension Outcome: Decodable {
    private enum CodingKeys: String, CodingKey {
        case reply, error, payment, refund, customer, methods, expand, events
        /// The only one, in the journals of earlier versions.
        case event
    }

    private enum ReplyKind: String, Decodable {
        case payment, refund, dispute, customer, method, failure
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        switch try container.decode(ReplyKind.self, forKey: .reply) {
        case .payment: reply = .payment
        case .refund: reply = .refund
        case .dispute: reply = .dispute
        case .customer: reply = .customer
        case .method: reply = .method
        case .failure: reply = .failure(try container.decode(StripeError.self, forKey: .error))
        }
        payment = try container.decodeIfPresent(PaymentIntent.self, forKey: .payment)
        refund = try container.decodeIfPresent(Refund.self, forKey: .refund)
        customer = try container.decodeIfPresent(StripeCustomer.self, forKey: .customer)
        methods = try container.decodeIfPresent([PaymentMethod].self, forKey: .methods) ?? []
        expand = try container.decodeIfPresent([String].self, forKey: .expand) ?? []
        events =
            try container.decodeIfPresent([WebhookEvent].self, forKey: .events)
            ?? container.decodeIfPresent(WebhookEvent.self, forKey: .event).map { [$0] } ?? []
    }

    fileprivate func writeRecord(to writer: inout JSONWriter) {
        switch reply {
        case .payment:
            writer.field("reply", ReplyKind.payment.rawValue)
        case .refund:
            writer.field("reply", ReplyKind.refund.rawValue)
        case .dispute:
            writer.field("reply", ReplyKind.dispute.rawValue)
        case .customer:
            writer.field("reply", ReplyKind.customer.rawValue)
        case .method:
            writer.field("reply", ReplyKind.method.rawValue)
        case .failure(let error):
            writer.field("reply", ReplyKind.failure.rawValue)
            writer.field("error") { writer in
                writer.object { writer in
                    writer.field("status", error.status)
                    error.write(to: &writer, payment: nil, publicURL: "")
                    writer.field("shows_payment", error.showsPayment)
                }
            }
        }
        if let payment { writer.field("payment") { payment.writeRecord(to: &$0) } }
        if let refund { writer.field("refund") { refund.writeRecord(to: &$0) } }
        if let customer { writer.field("customer") { customer.writeRecord(to: &$0) } }
        if !methods.isEmpty { writer.field("methods") { $0.array(methods) { $1.writeRecord(to: &$0) } } }
        if !expand.isEmpty { writer.field("expand") { $0.array(expand) { $0.value($1) } } }
        if !events.isEmpty {
            writer.field("events") { writer in
                writer.array(events) { writer, event in
                    writer.object { writer in
                        writer.field("id", event.id)
                        writer.field("type", event.kind.rawValue)
                        writer.field("created", event.created)
                    }
                }
            }
        }
    }
}

extension IdempotencyKey {
    fileprivate func writeRecord(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("name", name)
            writer.field("endpoint", endpoint)
            writer.field("fingerprint", fingerprint)
        }
    }
}
