import JSON

/// One payment, from its creation until it is charged or cancelled. A value: its changes are in the transitions.
///
/// Amounts are in the currency's smallest unit; times are seconds since 1970. Fields that journals of earlier versions lack are optional.
struct PaymentIntent: Sendable, Equatable, Decodable {
    enum Status: String, Sendable, CaseIterable, Decodable {
        case requiresPaymentMethod = "requires_payment_method"
        case requiresConfirmation = "requires_confirmation"
        case requiresAction = "requires_action"
        case processing
        case requiresCapture = "requires_capture"
        case succeeded
        case canceled
    }

    enum CaptureMethod: String, Sendable, CaseIterable, Decodable {
        case automatic
        case automaticAsync = "automatic_async"
        case manual
    }

    enum CancellationReason: String, Sendable, CaseIterable, Decodable {
        case duplicate
        case fraudulent
        case requestedByCustomer = "requested_by_customer"
        case abandoned
        /// Set by Stripe when an authorisation has expired. Clients cannot use it.
        case automatic

        static let allCases: [Self] = [.duplicate, .fraudulent, .requestedByCustomer, .abandoned]
    }

    /// Stripe's largest charge: eight digits.
    static let amounts = 1...99_999_999
    /// How long most banks hold authorised money, in seconds.
    static let authorizationLifetime = 7 * 86_400
    /// The number of attempts of one payment that are kept; older ones are forgotten.
    static let maximumCharges = 50

    /// Of the dispute of its charge.
    enum DisputeStatus: String, Sendable, CaseIterable, Decodable {
        case needsResponse = "needs_response"
        case won, lost
        /// An inquiry: no money is taken.
        case warningNeedsResponse = "warning_needs_response"
        case warningClosed = "warning_closed"

        var isOpen: Bool { self == .needsResponse || self == .warningNeedsResponse }
        var allowsRefunds: Bool { self == .won || self == .warningNeedsResponse || self == .warningClosed }
    }

    let id: String
    let clientSecret: String
    let created: Int
    var amount: Int
    var currency: String
    var captureMethod: CaptureMethod
    var customer: String?
    var description: String?
    var metadata: [String: String]
    var paymentMethodTypes: [String]
    /// The key of the request that created it.
    let idempotencyKey: String?

    var status: Status
    /// The id of its payment method in the API.
    var paymentMethod: String?
    var testCard: TestCard?
    var returnURL: String?
    var amountCapturable = 0
    var amountReceived = 0
    var amountRefunded = 0
    /// Authorised money that was not captured and has been released.
    var amountReleased: Int?
    var latestCharge: String?
    var charges: [ChargeAttempt]?
    var lastFailure: PaymentFailure?
    var canceledAt: Int?
    var cancellationReason: CancellationReason?
    var dispute: DisputeStatus?
    /// When its processing ends.
    var processedAt: Int?
    var terms: Terms?
    /// Grows by one with every change, so that the journal's entries may arrive in any order.
    var revision = 0

    /// Fields that the sandbox keeps and shows, without any effect.
    struct Terms: Sendable, Equatable, Codable {
        var receiptEmail: String?
        var setupFutureUsage: String?
        var statementDescriptor: String?
        var statementDescriptorSuffix: String?
        var confirmationMethod: String?
        var automaticMethods: Bool?
        var transferGroup: String?
        var onBehalfOf: String?
        /// Keyed by the part of the name in brackets, as in `address][city`.
        var shipping: [String: String] = [:]
    }

    enum CodingKeys: String, CodingKey {
        case id, created, amount, currency, customer, description, metadata, status, revision, charges
        case clientSecret = "client_secret"
        case captureMethod = "capture_method"
        case paymentMethodTypes = "payment_method_types"
        case idempotencyKey = "idempotency_key"
        case paymentMethod = "payment_method"
        case testCard = "test_card"
        case returnURL = "return_url"
        case amountCapturable = "amount_capturable"
        case amountReceived = "amount_received"
        case amountRefunded = "amount_refunded"
        case amountReleased = "amount_released"
        case latestCharge = "latest_charge"
        case lastFailure = "last_payment_error"
        case canceledAt = "canceled_at"
        case cancellationReason = "cancellation_reason"
        case dispute = "dispute_status"
        case processedAt = "processed_at"
        case terms
    }

    var orderID: String? { metadata["order_id"] }
    var amountRefundable: Int { amountReceived - amountRefunded }

    /// The test card, which decides how its charges end; nil while it has no payment method.
    var card: TestCard? {
        get { testCard ?? paymentMethod.flatMap(TestCard.init(rawValue:)) }
        set {
            testCard = newValue
            if newValue == nil { paymentMethod = nil }
        }
    }

    /// When the authorisation expires if it is not captured; nil unless the payment waits for a capture.
    var captureBefore: Int? { status == .requiresCapture ? (charges?.last?.created ?? created) + Self.authorizationLifetime : nil }
    /// When it changes by itself.
    var dueAt: Int? { captureBefore ?? (status == .processing ? processedAt : nil) }
}

/// One attempt to charge a payment.
struct ChargeAttempt: Sendable, Equatable, Decodable {
    let id: String
    let created: Int
    let amount: Int
    let card: TestCard
    /// Nil if it was approved, or is still processed.
    var failure: PaymentFailure?
    /// When the money was taken.
    var capturedAt: Int?

    enum CodingKeys: String, CodingKey {
        case id, created, amount, failure
        case card = "test_card"
        case capturedAt = "captured_at"
    }

    func writeRecord(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("id", id)
            writer.field("created", created)
            writer.field("amount", amount)
            writer.field("test_card", card.rawValue)
            if let failure { writer.field("failure") { failure.write(to: &$0) } }
            writer.field("captured_at", capturedAt)
        }
    }
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
    var requestsAuthentication = false
    var failsOnAction = false
    var terms = PaymentIntent.Terms()
}

/// What a client sends to change a payment intent. Nil leaves a field as it is.
struct PaymentChange: Sendable, Equatable {
    var amount: Int?
    var currency: String?
    var captureMethod: PaymentIntent.CaptureMethod?
    var paymentMethod: String?
    var customer: String?
    var description: String?
    var metadata = MetadataChange()
    var paymentMethodTypes: [String]?
    var terms = PaymentIntent.Terms()

    /// Whether it changes only what may be changed at any time.
    var isHarmless: Bool {
        amount == nil && currency == nil && captureMethod == nil && paymentMethod == nil && customer == nil && paymentMethodTypes == nil
    }
}

extension PaymentIntent {
    init(_ draft: PaymentDraft, card: TestCard?, methodID: String? = nil, idempotencyKey: String?, created: Int) {
        let id = Identifier.make("pi_")
        self.init(
            id: id, clientSecret: Identifier.make("\(id)_secret_"), created: created, amount: draft.amount, currency: draft.currency,
            captureMethod: draft.captureMethod, customer: draft.customer, description: draft.description, metadata: draft.metadata,
            paymentMethodTypes: draft.paymentMethodTypes, idempotencyKey: idempotencyKey,
            status: card == nil ? .requiresPaymentMethod : .requiresConfirmation, paymentMethod: card.map { methodID ?? $0.rawValue }, testCard: card,
            returnURL: draft.returnURL, terms: draft.terms == Terms() ? nil : draft.terms)
    }
}

extension PaymentIntent.Terms {
    /// These terms, replaced by those that `other` has.
    func merging(_ other: Self) -> Self {
        Self(
            receiptEmail: other.receiptEmail ?? receiptEmail, setupFutureUsage: other.setupFutureUsage ?? setupFutureUsage,
            statementDescriptor: other.statementDescriptor ?? statementDescriptor,
            statementDescriptorSuffix: other.statementDescriptorSuffix ?? statementDescriptorSuffix,
            confirmationMethod: other.confirmationMethod ?? confirmationMethod, automaticMethods: other.automaticMethods ?? automaticMethods,
            transferGroup: other.transferGroup ?? transferGroup, onBehalfOf: other.onBehalfOf ?? onBehalfOf,
            shipping: shipping.merging(other.shipping) { $1 })
    }
}
