import Contracts
import FoundationEssentials
import JSON
import Messaging
import Secrets
import WebClient

/// Stripe's API, as its reference documents it (API version below). Works with any server that implements it.
public struct StripeGateway: PaymentGateway {
    public static let standardBase = "https://api.stripe.com"
    static let apiVersion = "2024-06-20"
    /// Less than `Charging.callLease`.
    static let timeout: Duration = .seconds(30)
    /// Maximum number of keys used in one run of a cancellation or refund.
    static let maximumKeys = 5
    /// Payments per page, which is Stripe's limit, and pages that are searched for one order.
    static let pageSize = 100
    static let maximumPages = 500
    /// Maximum number of payments of one order that a search returns; more than one is a mistake already.
    static let maximumFound = 10
    /// By how many seconds Stripe's clock may be behind ours.
    static let clockTolerance = 60

    /// Refunds of one payment that are read at most; payments itself makes far fewer.
    static let maximumRefundPages = 10
    /// Disputes of one payment: a bank opens one, and seldom a second.
    static let maximumDisputes = 100

    public let name = GatewayName.stripe
    private let transport: any HTTPTransport
    private let key: @Sendable () -> String
    private let base: String

    /// - Parameter key: The secret API key, read again for each call; used in the Authorization header and nowhere else.
    public init(transport: any HTTPTransport, key: @autoclosure @escaping @Sendable () -> String, base: String = standardBase) {
        self.transport = transport
        self.key = key
        self.base = base.withoutTrailingSlash
    }

    public func event(_ request: Request) throws -> GatewayEvent { try StripeEvent.read(request) }

    public func charge(_ charge: Charge) async throws(GatewayError) -> GatewayPayment {
        guard let amount = charge.amount.stripeAmount else {
            return GatewayPayment(status: .declined(intent: nil, code: "currency_not_supported"), order: charge.order, amount: charge.amount)
        }
        var fields = [
            ("amount", String(amount)), ("currency", charge.amount.currency.lowercased()),
            ("confirm", "true"), ("description", "Order \(charge.orderNumber)"),
            ("metadata[order_id]", charge.order.lowerCaseText),
            ("metadata[order_number]", charge.orderNumber), ("payment_method", charge.paymentMethod),
            ("payment_method_types[]", "card"),
        ]
        if charge.isCapturedLater { fields.append(("capture_method", "manual")) }
        if let customer = charge.customer { fields.append(("customer", customer)) }
        // The customer is present when the method is used again. The charge names the card.
        if charge.saveFor != nil { fields += [("setup_future_usage", "on_session"), ("expand[]", "latest_charge")] }
        let response = try await send("POST", "/v1/payment_intents", fields, idempotencyKey: charge.idempotencyKey)
        if response.status == 200 { return try Self.decided(try payment(response)) }
        let error = StripeFailure(response)
        guard response.status == 402 || (response.status == 400 && error.type == "invalid_request_error") else {
            let answer = "Stripe answered \(response.status): \(error.summary)"
            throw error.isRefusal(status: response.status) ? .refused(answer) : .unknown(answer)
        }
        return GatewayPayment(
            status: .declined(intent: error.intent, code: error.declineCode), order: charge.order, amount: charge.amount)
    }

    public func find(order: UUID) async throws(GatewayError) -> [GatewayPayment] {
        let query = "metadata['order_id']:'\(order.lowerCaseText)'"
        let response = try await send(
            "GET", "/v1/payment_intents/search?query=\(PercentEncoding.encode(query))&limit=\(Self.maximumFound)&expand%5B%5D=data.latest_charge")
        let list: StripePage<StripeIntent> = try read(response, "the result of a search")
        return list.data.map(\.payment)
    }

    /// Stripe's search lags, usually by less than a minute; its list does not.
    public func findForCertain(order: UUID, since start: Date) async throws(GatewayError) -> [GatewayPayment] {
        let from = Int(start.timeIntervalSince1970) - Self.clockTolerance
        var found: [GatewayPayment] = []
        var last: String?
        for _ in 0..<Self.maximumPages {
            var path = "/v1/payment_intents?expand%5B%5D=data.latest_charge&created%5Bgte%5D=\(from)&limit=\(Self.pageSize)"
            if let last { path += "&starting_after=\(PercentEncoding.encode(last))" }
            let page: StripePage<StripeIntent> = try read(try await send("GET", path), "a list of payments")
            found += page.data.map(\.payment).filter { $0.order == order }
            guard page.hasMore, let end = page.data.last else { return found }
            last = end.id
        }
        throw .unknown("more than \(Self.maximumPages * Self.pageSize) payments were made since the first attempt; look up by hand whether this order's is among them")
    }

    public func retrieve(intent: String) async throws(GatewayError) -> GatewayPayment? {
        let response = try await send(
            "GET", "/v1/payment_intents/\(PercentEncoding.encode(intent))?expand%5B%5D=latest_charge&expand%5B%5D=latest_charge.refunds")
        if response.status == 404 { return nil }
        let found: StripeIntent = try read(response, "the state of the payment")
        var payment = found.payment
        guard let charge = found.latestCharge, let first = charge.refunds else { return payment }
        let refunds = !found.hasTakenMoney ? [] : first.hasMore ? try await refunds(of: intent) : first.data
        let disputes = charge.isDisputed == true ? try await disputes(of: intent) : []
        payment.movements = GatewayMovements(refunds: refunds.map(\.refund), disputes: disputes.map(\.dispute))
        return payment
    }

    private func refunds(of intent: String) async throws(GatewayError) -> [StripeRefund] {
        var found: [StripeRefund] = []
        for _ in 0..<Self.maximumRefundPages {
            var path = "/v1/refunds?payment_intent=\(PercentEncoding.encode(intent))&limit=\(Self.pageSize)"
            if let last = found.last { path += "&starting_after=\(PercentEncoding.encode(last.id))" }
            let page: StripePage<StripeRefund> = try read(try await send("GET", path), "a list of refunds")
            found += page.data
            if !page.hasMore || page.data.isEmpty { return found }
        }
        throw .unknown("\(intent) has more than \(Self.maximumRefundPages * Self.pageSize) refunds")
    }

    private func disputes(of intent: String) async throws(GatewayError) -> [StripeDispute] {
        let path = "/v1/disputes?payment_intent=\(PercentEncoding.encode(intent))&limit=\(Self.maximumDisputes)"
        let page: StripePage<StripeDispute> = try read(try await send("GET", path), "a list of disputes")
        return page.data
    }

    public func cancel(intent: String, idempotencyKey: UUID) async throws(GatewayError) -> GatewayPayment {
        let response = try await sendAgain(
            "POST", "/v1/payment_intents/\(PercentEncoding.encode(intent))/cancel", [], idempotencyKey: idempotencyKey)
        if response.status == 200 { return try payment(response) }
        // It can no longer be cancelled; reads its outcome.
        return try await existing(intent)
    }

    public func refund(_ call: RefundCall) async throws(GatewayError) -> GatewayPayment {
        var fields = [
            ("metadata[order_id]", call.order.lowerCaseText), ("metadata[refund_id]", call.refundID.lowerCaseText),
            ("metadata[round]", String(call.round)), ("payment_intent", call.intent),
        ]
        var isRest = true
        if let part = call.amount {
            guard let amount = part.stripeAmount else { throw .refused("Stripe cannot refund \(part.text)") }
            fields.append(("amount", String(amount)))
            isRest = false
        }
        // A key that is spent may hide a refund that was made: the rest is not refunded twice, a part might be.
        let response =
            isRest
            ? try await sendAgain("POST", "/v1/refunds", fields, idempotencyKey: call.idempotencyKey)
            : try await send("POST", "/v1/refunds", fields, idempotencyKey: call.idempotencyKey)
        if response.status != 200, !isRest || StripeFailure(response).code != "charge_already_refunded" { throw failure(response) }
        // Stripe's own record of the refund, whatever its origin.
        let payment = try await existing(call.intent)
        guard !isRest || !payment.isPaid else { throw .refused("Stripe has \(payment.refunded) of \(payment.amount.amount) refunded after a full refund") }
        return payment
    }

    func existing(_ intent: String) async throws(GatewayError) -> GatewayPayment {
        guard let payment = try await retrieve(intent: intent) else { throw .unknown("Stripe does not know the payment \(intent)") }
        return payment
    }

    func payment(_ response: WebResponse) throws(GatewayError) -> GatewayPayment {
        try read(response, "the state of the payment", as: StripeIntent.self).payment
    }

    func read<Shape: Decodable>(_ response: WebResponse, _ what: String, as shape: Shape.Type = Shape.self) throws(GatewayError) -> Shape {
        guard response.status == 200, let value = try? JSON.decode(shape, from: response.body) else {
            throw .unknown("Stripe answered \(response.status) without \(what): \(StripeFailure(response).summary)")
        }
        return value
    }

    private static func decided(_ payment: GatewayPayment) throws(GatewayError) -> GatewayPayment {
        if case .open(let intent) = payment.status { throw .unknown("the payment \(intent) is not decided yet") }
        return payment
    }

    /// A call that Stripe carries out once, whatever its key is: a spent key is replaced at once.
    func sendAgain(
        _ method: String, _ path: String, _ fields: [(String, String)], idempotencyKey: UUID
    ) async throws(GatewayError) -> WebResponse {
        var key = idempotencyKey
        for _ in 1..<Self.maximumKeys {
            do throws(GatewayError) {
                return try await send(method, path, fields, idempotencyKey: key)
            } catch {
                guard case .keySpent = error else { throw error }
                key = UUID.v5(namespace: key, name: "again")
            }
        }
        return try await send(method, path, fields, idempotencyKey: key)
    }

    /// One call. An answer that does not show whether it was carried out is thrown as unknown.
    func send(
        _ method: String, _ path: String, _ fields: [(String, String)] = [], idempotencyKey: UUID? = nil
    ) async throws(GatewayError) -> WebResponse {
        var headers = [("Authorization", "Bearer \(key())"), ("Stripe-Version", Self.apiVersion)]
        if let idempotencyKey { headers.append(("Idempotency-Key", idempotencyKey.lowerCaseText)) }
        if method == "POST" { headers.append(("Content-Type", "application/x-www-form-urlencoded")) }
        let request = WebRequest(
            method: method, url: base + path, headers: headers, body: PercentEncoding.form(fields), timeout: Self.timeout)
        let response: WebResponse
        do {
            response = try await transport.send(request)
        } catch let error as WebClientError {
            throw error.requestMayHaveBeenSent ? .unknown(error.message) : .notSent(error.message)
        } catch {
            throw .unknown("the call was interrupted")
        }
        switch response.status {
        case 401, 403: throw .notSent("Stripe rejects the API key (\(response.status)); check STRIPE_API_KEY")
        // Stripe keeps the answer to a key for a day, an internal error too.
        case 500... where response.first("idempotent-replayed") == "true":
            throw .keySpent("Stripe answered \(response.status) and will repeat that answer")
        case 409, 429, 500...: throw .unknown("Stripe answered \(response.status)")
        default: return response
        }
    }
}
