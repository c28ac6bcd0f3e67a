import JSON

/// The outcome of a command: the reply, the changes, and the events for the webhook.
///
/// The journal stores it too, so that a restarted sandbox gives the very same replies.
struct Outcome: Sendable, Equatable {
    enum Reply: Sendable, Equatable {
        case payment
        case refund
        case dispute
        case customer
        case method
        case failure(StripeError)
    }

    var reply: Reply
    var payment: PaymentIntent?
    var refund: Refund?
    var customer: StripeCustomer?
    var methods: [PaymentMethod] = []
    /// In the order in which Stripe sends them.
    var events: [WebhookEvent] = []
    /// The references that the request wants expanded.
    var expand: [String] = []

    static func failure(_ error: StripeError, payment: PaymentIntent? = nil) -> Outcome {
        Outcome(reply: .failure(error), payment: payment)
    }

    var isChange: Bool { payment != nil || customer != nil || !methods.isEmpty }

    /// The reply as it goes over the wire, now and whenever its idempotency key is repeated.
    /// - Parameter book: The book in which expanded objects are looked up.
    func storedReply(publicURL: String, book: PaymentBook? = nil) -> StoredReply {
        var writer = JSONWriter()
        switch reply {
        case .payment: payment?.write(to: &writer, showing(publicURL, book, .payment))
        case .refund: refund?.write(to: &writer, showing(publicURL, book, .refund))
        case .dispute: payment?.writeDispute(to: &writer, showing(publicURL, book, .dispute))
        case .customer: customer?.write(to: &writer)
        case .method: methods.first?.write(to: &writer)
        case .failure(let error):
            return StoredReply(status: error.status, body: error.body(payment: payment, publicURL: publicURL))
        }
        return StoredReply(status: 200, body: writer.bytes)
    }

    private func showing(_ publicURL: String, _ book: PaymentBook?, _ kind: Expansion.Kind) -> Showing {
        // The names were checked when they were read.
        Showing(publicURL: publicURL, expansion: (try? Expansion(expand, of: kind)) ?? Expansion(), book: book)
    }

    /// The bodies of the webhooks, each with its event. They hold the payment as it is now, however late they are delivered.
    func webhookBodies(publicURL: String) -> [EventLog.Entry] {
        events.map { EventLog.Entry(event: $0, body: $0.body(about: self, publicURL: publicURL)) }
    }
}
