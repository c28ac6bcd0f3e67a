import Contracts
import FoundationEssentials
import JSON
import Messaging
import Runtime
import Secrets
import WebClient

/// PayPal's Orders v2, Payments v2 and Disputes APIs, as its reference documents them. Works with any server that implements them.
///
/// A payment is a PayPal order with the intent `CAPTURE`: the customer approves it on PayPal's pages, and then Wharf captures it. PayPal cannot search its orders by
/// the shop's order, and need not here: a PayPal order that no attempt names is never captured, and so takes no money.
public struct PayPalGateway: PaymentGateway {
    public static let standardBase = "https://api-m.paypal.com"
    /// The most disputes of one payment: a customer opens one, and a bank may open another.
    static let maximumDisputes = 20
    /// The maximum length of a text that PayPal shows to the customer, in characters.
    static let maximumDescription = 127

    private static let settledBefore: Set = ["ORDER_ALREADY_CAPTURED", "ORDER_NOT_APPROVED", "ORDER_EXPIRED", "PAYER_ACTION_REQUIRED"]

    public let name = GatewayName.paypal
    private let client: PayPalClient

    /// - Parameters:
    ///   - clientID: Names the application at PayPal.
    ///   - clientSecret: Its secret, read again for each token; used in the Authorization header of the request for a token and nowhere else.
    public init(transport: any HTTPTransport, clientID: String, clientSecret: @autoclosure @escaping @Sendable () -> String, base: String = standardBase, clock: any WallClock) {
        client = PayPalClient(
            transport: transport, credentials: .init(clientID: clientID, secret: clientSecret), base: base.withoutTrailingSlash, clock: clock)
    }

    public func event(_ request: Request) throws -> GatewayEvent { try PayPalEvent.read(request) }

    public func charge(_ charge: Charge) async throws(GatewayError) -> GatewayPayment {
        guard let value = charge.amount.payPalText else {
            return GatewayPayment(status: .declined(intent: nil, code: "currency_not_supported"), order: charge.order, amount: charge.amount)
        }
        let order = PayPalNewOrder(charge, amount: PayPalAmount(currency: charge.amount.currency, value: value))
        let response = try await client.send("POST", "/v2/checkout/orders", body: order, requestID: charge.idempotencyKey)
        guard response.isSuccess else { throw refusal(response) }
        let payment = try read(response, "the new order", as: PayPalOrder.self).payment
        guard case .requiresAction = payment.status else { throw .unknown("the PayPal order \(payment.status.intent ?? "") has no page for its approval") }
        return payment
    }

    public func find(order: UUID) async throws(GatewayError) -> [GatewayPayment] { [] }

    public func findForCertain(order: UUID, since start: Date) async throws(GatewayError) -> [GatewayPayment] { [] }

    /// - Parameter intent: The id of a PayPal order; or `captures/` and the id of its capture, which is all that some events name.
    public func retrieve(intent: String) async throws(GatewayError) -> GatewayPayment? {
        guard let order = try await orderID(intent), let found = try await payPalOrder(order) else { return nil }
        return try await withMovements(found)
    }

    /// The account may have payments of other shops and applications, whose orders have other forms or cannot be read by this one.
    public func retrieve(ofEvent intent: String) async throws(GatewayError) -> GatewayPayment? {
        guard let order = try await orderID(intent, mayBeForbidden: true) else { return nil }
        let response = try await client.send("GET", "/v2/checkout/orders/\(PercentEncoding.encode(order))", mayBeForbidden: true)
        if response.status == 403 || response.status == 404 { return nil }
        guard try read(response, "the order \(order)", as: PayPalOwner.self).order != nil else { return nil }
        return try await withMovements(try read(response, "the order \(order)", as: PayPalOrder.self))
    }

    private func withMovements(_ found: PayPalOrder) async throws(GatewayError) -> GatewayPayment {
        var payment = found.payment
        guard let capture = found.capture else { return payment }
        payment.movements = GatewayMovements(refunds: found.refunds.map(\.refund), disputes: try await disputes(of: capture.id))
        return payment
    }

    public func cancel(intent: String, idempotencyKey: UUID) async throws(GatewayError) -> GatewayPayment {
        // PayPal cannot cancel such an order: one that is not captured expires by itself. This promise holds because Wharf captures no payment whose void was requested.
        guard let found = try await payPalOrder(intent) else {
            return GatewayPayment(status: .cancelled(intent: intent), order: nil, amount: Money(amount: 0, currency: ""))
        }
        return found.isCaptured ? found.payment : found.payment.with(.cancelled(intent: intent))
    }

    public func captureApproved(_ payment: GatewayPayment) async throws(GatewayError) -> GatewayPayment {
        guard let intent = payment.status.intent, let order = payment.order else { throw .refused("there is no order to capture a payment for") }
        let response = try await client.send(
            "POST", "/v2/checkout/orders/\(PercentEncoding.encode(intent))/capture", body: [String: String](), requestID: UUID.v5(namespace: order, name: "capture \(intent)"))
        if response.isSuccess { return try read(response, "the captured order", as: PayPalOrder.self).payment }
        let error = PayPalFailure(response)
        if error.isDecline { return payment.with(.declined(intent: intent, code: error.issue ?? "declined")) }
        // Captured before, forgotten, or its customer has to act once more: PayPal's own record of the order shows which.
        guard response.status == 404 || Self.settledBefore.contains(error.issue ?? "") else { throw refusal(response) }
        return try await payPalOrder(intent)?.payment ?? payment.with(.cancelled(intent: intent))
    }

    public func refund(_ call: RefundCall) async throws(GatewayError) -> GatewayPayment {
        let before = try await captured(call.intent)
        let left = before.payment.amount.amount - before.payment.refunded
        // Another request has refunded the rest.
        if call.amount == nil, left <= 0 { return before.payment }
        let amount = call.amount ?? Money(amount: left, currency: before.payment.amount.currency)
        guard let value = amount.payPalText else { throw .refused("PayPal cannot refund \(amount.text)") }
        // The amount of the rest may differ from one request to the next, and PayPal ties a request id to one amount.
        let key = call.amount == nil ? UUID.v5(namespace: call.idempotencyKey, name: value) : call.idempotencyKey
        let response = try await client.send(
            "POST", "/v2/payments/captures/\(PercentEncoding.encode(before.capture.id))/refund",
            body: PayPalNewRefund(call, amount: PayPalAmount(currency: amount.currency, value: value)), requestID: key)
        if !response.isSuccess {
            let error = PayPalFailure(response)
            if call.amount != nil || !["CAPTURE_FULLY_REFUNDED", "REFUND_AMOUNT_EXCEEDED"].contains(error.issue ?? "") { throw refusal(response) }
        }
        guard let payment = try await retrieve(intent: call.intent) else { throw .unknown("PayPal does not know the order \(call.intent)") }
        if call.amount == nil, payment.isPaid { throw .unknown("PayPal has \(payment.refunded) of \(payment.amount.amount) refunded after a full refund") }
        return payment
    }

    private func captured(_ intent: String) async throws(GatewayError) -> (payment: GatewayPayment, capture: PayPalCapture) {
        guard let found = try await payPalOrder(intent) else { throw .refused("PayPal does not know the order \(intent)") }
        guard let capture = found.capture, capture.hasSucceeded else { throw .refused("PayPal has captured nothing of the order \(intent)") }
        return (found.payment, capture)
    }

    private func orderID(_ intent: String, mayBeForbidden: Bool = false) async throws(GatewayError) -> String? {
        guard let id = PayPalEvent.capture(in: intent) else { return intent }
        let response = try await client.send("GET", "/v2/payments/captures/\(PercentEncoding.encode(id))", mayBeForbidden: mayBeForbidden)
        if response.status == 403 || response.status == 404 { return nil }
        return try read(response, "the capture \(id)", as: PayPalCaptureOwner.self).order
    }

    private func payPalOrder(_ id: String) async throws(GatewayError) -> PayPalOrder? {
        let response = try await client.send("GET", "/v2/checkout/orders/\(PercentEncoding.encode(id))")
        if response.status == 404 { return nil }
        return try read(response, "the order \(id)", as: PayPalOrder.self)
    }

    /// Each dispute is read on its own, because the list does not include how it ended.
    private func disputes(of capture: String) async throws(GatewayError) -> [GatewayMovements.Dispute] {
        let path = "/v1/customer/disputes?disputed_transaction_id=\(PercentEncoding.encode(capture))&page_size=\(Self.maximumDisputes)"
        let response = try await client.send("GET", path, mayBeForbidden: true)
        // The application has no access to disputes: what events have reported about them stays as it is.
        if response.status == 403 { return [] }
        var found: [GatewayMovements.Dispute] = []
        for dispute in try read(response, "a list of disputes", as: PayPalDisputes.self).items?.compactMap(\.dispute) ?? [] {
            guard dispute.isResolved, dispute.disputeOutcome == nil else {
                found.append(dispute.dispute)
                continue
            }
            let whole = try await client.send("GET", "/v1/customer/disputes/\(PercentEncoding.encode(dispute.disputeID))")
            guard whole.isSuccess else { throw .unknown("PayPal answered \(whole.status) without the dispute \(dispute.disputeID)") }
            // If a dispute cannot be read, the known state is kept.
            if let read = try? JSON.decode(PayPalDispute.self, from: whole.body) { found.append(read.dispute) }
        }
        return found
    }

    private func read<Shape: Decodable>(_ response: WebResponse, _ what: String, as shape: Shape.Type) throws(GatewayError) -> Shape {
        guard response.isSuccess, let value = try? JSON.decode(shape, from: response.body) else {
            throw .unknown("PayPal answered \(response.status) without \(what): \(PayPalFailure(response).summary)")
        }
        return value
    }

    private func refusal(_ response: WebResponse) -> GatewayError {
        let error = PayPalFailure(response)
        let answer = "PayPal answered \(response.status) (\(error.issue ?? error.name)): \(error.summary)"
        return error.isRefusal(status: response.status) ? .refused(answer) : .unknown(answer)
    }
}

extension GatewayPayment {
    fileprivate func with(_ status: PaymentStatus) -> GatewayPayment {
        GatewayPayment(status: status, order: order, amount: amount, captured: captured, refunded: refunded, isDisputed: isDisputed, movements: movements)
    }
}
