/// The outcome of a command: the reply, the changes, and the events for the webhook.
///
/// The journal stores it too, so that a restarted sandbox gives the very same replies.
struct Outcome: Sendable, Equatable {
    enum Reply: Sendable, Equatable {
        case payment
        case refund
        case dispute
        case failure(StripeError)
    }

    var reply: Reply
    var payment: PaymentIntent?
    var refund: Refund?
    /// In the order in which Stripe sends them.
    var events: [WebhookEvent] = []

    static func failure(_ error: StripeError, payment: PaymentIntent? = nil) -> Outcome {
        Outcome(reply: .failure(error), payment: payment)
    }

    /// The reply as it goes over the wire, now and whenever its idempotency key is repeated.
    func storedReply(publicURL: String) -> StoredReply {
        var writer = JSONWriter()
        switch reply {
        case .payment:
            payment?.write(to: &writer, publicURL: publicURL)
            return StoredReply(status: 200, body: writer.bytes)
        case .refund:
            refund?.write(to: &writer)
            return StoredReply(status: 200, body: writer.bytes)
        case .dispute:
            payment?.writeDispute(to: &writer)
            return StoredReply(status: 200, body: writer.bytes)
        case .failure(let error):
            return StoredReply(status: error.status, body: error.body(payment: payment, publicURL: publicURL))
        }
    }

    /// The bodies of the webhooks, each with its event. They hold the payment as it is now, however late they are delivered.
    func webhookBodies(publicURL: String) -> [EventLog.Entry] {
        guard let payment else { return [] }
        return events.map { EventLog.Entry(event: $0, body: $0.body(about: payment, refund, publicURL: publicURL)) }
    }
}
