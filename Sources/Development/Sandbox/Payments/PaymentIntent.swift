/// One payment, from its creation until it is charged or cancelled. A value: its changes are in the transitions.
///
/// Amounts are in the currency's smallest unit; times are seconds since 1970.
struct PaymentIntent: Sendable, Equatable, Decodable {
    enum Status: String, Sendable, CaseIterable, Decodable {
        case requiresPaymentMethod = "requires_payment_method"
        case requiresConfirmation = "requires_confirmation"
        case requiresAction = "requires_action"
        case requiresCapture = "requires_capture"
        case succeeded
        case canceled
    }

    enum CaptureMethod: String, Sendable, CaseIterable, Decodable {
        case automatic
        case manual
    }

    enum CancellationReason: String, Sendable, CaseIterable, Decodable {
        case duplicate
        case fraudulent
        case requestedByCustomer = "requested_by_customer"
        case abandoned
    }

    /// Stripe's largest charge: eight digits.
    static let amounts = 1...99_999_999

    /// Of the dispute of its charge.
    enum DisputeStatus: String, Sendable, CaseIterable, Decodable {
        case needsResponse = "needs_response"
        case won, lost
    }

    let id: String
    let clientSecret: String
    let created: Int
    let amount: Int
    let currency: String
    let captureMethod: CaptureMethod
    let customer: String?
    let description: String?
    let metadata: [String: String]
    let paymentMethodTypes: [String]
    /// The key of the request that created it.
    let idempotencyKey: String?

    var status: Status
    var card: TestCard?
    var returnURL: String?
    var amountCapturable = 0
    var amountReceived = 0
    var amountRefunded = 0
    var latestCharge: String?
    var lastFailure: PaymentFailure?
    var canceledAt: Int?
    var cancellationReason: CancellationReason?
    var dispute: DisputeStatus?
    /// Grows by one with every change, so that the journal's entries may arrive in any order.
    var revision = 0

    enum CodingKeys: String, CodingKey {
        case id, created, amount, currency, customer, description, metadata, status, revision
        case clientSecret = "client_secret"
        case captureMethod = "capture_method"
        case paymentMethodTypes = "payment_method_types"
        case idempotencyKey = "idempotency_key"
        case card = "payment_method"
        case returnURL = "return_url"
        case amountCapturable = "amount_capturable"
        case amountReceived = "amount_received"
        case amountRefunded = "amount_refunded"
        case latestCharge = "latest_charge"
        case lastFailure = "last_payment_error"
        case canceledAt = "canceled_at"
        case cancellationReason = "cancellation_reason"
        case dispute = "dispute_status"
    }

    var orderID: String? { metadata["order_id"] }
    var amountRefundable: Int { amountReceived - amountRefunded }
}

/// What a client asks for when it creates a payment intent.
struct PaymentDraft: Sendable, Equatable {
    var amount: Int
    var currency: String
    var captureMethod = PaymentIntent.CaptureMethod.automatic
    var paymentMethod: String?
    var customer: String?
    var description: String?
    var metadata: [String: String] = [:]
    var paymentMethodTypes = ["card"]
    var returnURL: String?
    var confirm = false
    var offSession = false
}

extension PaymentIntent {
    init(_ draft: PaymentDraft, card: TestCard?, idempotencyKey: String?, created: Int) {
        let id = Identifier.make("pi_")
        self.init(
            id: id, clientSecret: Identifier.make("\(id)_secret_"), created: created, amount: draft.amount, currency: draft.currency,
            captureMethod: draft.captureMethod, customer: draft.customer, description: draft.description, metadata: draft.metadata,
            paymentMethodTypes: draft.paymentMethodTypes, idempotencyKey: idempotencyKey,
            status: card == nil ? .requiresPaymentMethod : .requiresConfirmation, card: card, returnURL: draft.returnURL)
    }
}
