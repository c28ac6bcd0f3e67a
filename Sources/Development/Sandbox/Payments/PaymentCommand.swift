/// A request that changes something, its parameters already checked.
enum PaymentCommand: Sendable, Equatable {
    case create(PaymentDraft)
    case confirm(id: String, Confirmation)
    case change(id: String, PaymentChange)
    case capture(id: String, amount: Int?)
    case cancel(id: String, PaymentIntent.CancellationReason?)
    case refund(RefundDraft)
    case changeRefund(id: String, MetadataChange)
    case authenticate(id: String, PaymentIntent.AuthenticationResult)
    case closeDispute(id: String, PaymentIntent.DisputeStatus)
    /// A refund reaches the end that its card has set.
    case endRefund(id: String)
    /// A payment that changes by itself is due.
    case pass(id: String)
    case createCustomer(StripeCustomer.Draft)
    case changeCustomer(id: String, StripeCustomer.Draft)
    case deleteCustomer(id: String)
    case createMethod(TestCard, MetadataChange)
    case attach(method: String, customer: String)
    case detach(method: String)

    struct Confirmation: Sendable, Equatable {
        var paymentMethod: String?
        var returnURL: String?
        var offSession = false
        var requestsAuthentication = false
        var failsOnAction = false
        var terms = PaymentIntent.Terms()
    }
}

/// Reads commands from parameters. A command that throws here was never carried out, so it is not kept under an idempotency key.
extension PaymentCommand {
    static func create(from reader: inout ParameterReader) throws(StripeError) -> PaymentCommand {
        guard let amount = try reader.integer("amount", in: PaymentIntent.amounts) else { throw .missingParameter("amount") }
        var draft = PaymentDraft(amount: amount, currency: try currency(reader.requiredText("currency")))
        draft.captureMethod = try reader.choice("capture_method", of: PaymentIntent.CaptureMethod.self) ?? draft.captureMethod
        draft.paymentMethod = try paymentMethod(from: &reader)
        draft.customer = try reader.text("customer")
        draft.description = try reader.text("description")
        draft.metadata = try reader.metadata().values.filter { !$0.value.isEmpty }
        draft.terms = try terms(from: &reader)
        draft.paymentMethodTypes = try paymentMethodTypes(from: &reader) ?? draft.paymentMethodTypes
        draft.returnURL = try returnURL(from: &reader)
        draft.confirm = try reader.flag("confirm") ?? draft.confirm
        draft.offSession = try reader.flag("off_session") ?? draft.offSession
        draft.requestsAuthentication = try requestsAuthentication(from: &reader)
        draft.failsOnAction = try reader.flag("error_on_requires_action") ?? draft.failsOnAction
        if draft.confirm, draft.paymentMethod == nil { throw .missingParameter("payment_method") }
        return .create(draft)
    }

    static func confirm(_ id: String, from reader: inout ParameterReader) throws(StripeError) -> PaymentCommand {
        .confirm(
            id: id,
            Confirmation(
                paymentMethod: try paymentMethod(from: &reader), returnURL: try returnURL(from: &reader),
                offSession: try reader.flag("off_session") ?? false, requestsAuthentication: try requestsAuthentication(from: &reader),
                failsOnAction: try reader.flag("error_on_requires_action") ?? false, terms: try terms(from: &reader)))
    }

    static func change(_ id: String, from reader: inout ParameterReader) throws(StripeError) -> PaymentCommand {
        var change = PaymentChange()
        change.amount = try reader.integer("amount", in: PaymentIntent.amounts)
        change.currency = try reader.text("currency").map { text throws(StripeError) in try currency(text) }
        change.captureMethod = try reader.choice("capture_method", of: PaymentIntent.CaptureMethod.self)
        change.paymentMethod = try paymentMethod(from: &reader)
        change.customer = try reader.text("customer")
        change.description = try reader.text("description")
        change.metadata = try reader.metadata()
        change.terms = try terms(from: &reader)
        change.paymentMethodTypes = try paymentMethodTypes(from: &reader)
        return .change(id: id, change)
    }

    static func capture(_ id: String, from reader: inout ParameterReader) throws(StripeError) -> PaymentCommand {
        .capture(id: id, amount: try reader.integer("amount_to_capture", in: PaymentIntent.amounts))
    }

    static func cancel(_ id: String, from reader: inout ParameterReader) throws(StripeError) -> PaymentCommand {
        .cancel(id: id, try reader.choice("cancellation_reason", of: PaymentIntent.CancellationReason.self))
    }

    static func refund(from reader: inout ParameterReader) throws(StripeError) -> PaymentCommand {
        let payment = try reader.text("payment_intent")
        let charge = try reader.text("charge")
        guard let subject = payment ?? charge else { throw .missingParameter("payment_intent") }
        if payment != nil, charge != nil { throw .invalidRequest("You may only specify one of these parameters: charge, payment_intent.") }
        return .refund(
            RefundDraft(
                paymentIntent: subject, amount: try reader.integer("amount", in: PaymentIntent.amounts),
                reason: try reader.choice("reason", of: Refund.Reason.self), metadata: try reader.metadata().values.filter { !$0.value.isEmpty }))
    }

    /// `evidence[uncategorized_text]` with Stripe's two magic words decides a test dispute.
    static func closeDispute(_ id: String, from reader: inout ParameterReader) throws(StripeError) -> PaymentCommand {
        _ = try reader.flag("submit")
        switch try reader.text("evidence[uncategorized_text]") {
        case "winning_evidence": return .closeDispute(id: id, .won)
        case "losing_evidence": return .closeDispute(id: id, .lost)
        default:
            throw .invalidRequest("This sandbox decides disputes by winning_evidence or losing_evidence.", parameter: "evidence[uncategorized_text]")
        }
    }
}

// MARK: - Fields that several commands have

extension PaymentCommand {
    private static func currency(_ text: String) throws(StripeError) -> String {
        let currency = text.lowercased()
        guard currency.utf8.count == 3, currency.utf8.allSatisfy({ (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }) else {
            throw .invalidRequest("Invalid currency: \(currency). It must be a three-letter ISO 4217 code.", parameter: "currency")
        }
        return currency
    }

    /// `payment_method`, or a test token in `payment_method_data`.
    private static func paymentMethod(from reader: inout ParameterReader) throws(StripeError) -> String? {
        let method = try reader.text("payment_method")
        guard try reader.text("payment_method_data[type]") != nil else { return method }
        let token = try reader.requiredText("payment_method_data[card][token]")
        guard let card = TestCard(token: token) else { throw .noSuch("token", token, parameter: "payment_method_data[card][token]", status: 400) }
        return card.rawValue
    }

    private static func requestsAuthentication(from reader: inout ParameterReader) throws(StripeError) -> Bool {
        enum Wish: String, CaseIterable { case automatic, any, challenge }
        let wish = try reader.choice("payment_method_options[card][request_three_d_secure]", of: Wish.self)
        return wish == .any || wish == .challenge
    }

    private static func terms(from reader: inout ParameterReader) throws(StripeError) -> PaymentIntent.Terms {
        enum Usage: String, CaseIterable {
            case onSession = "on_session"
            case offSession = "off_session"
        }
        enum Method: String, CaseIterable { case automatic, manual }
        var terms = PaymentIntent.Terms()
        terms.receiptEmail = try reader.text("receipt_email")
        terms.setupFutureUsage = try reader.choice("setup_future_usage", of: Usage.self)?.rawValue
        terms.statementDescriptor = try reader.text("statement_descriptor")
        terms.statementDescriptorSuffix = try reader.text("statement_descriptor_suffix")
        terms.confirmationMethod = try reader.choice("confirmation_method", of: Method.self)?.rawValue
        if try reader.flag("automatic_payment_methods[enabled]") == true { terms.automaticMethods = true }
        _ = try reader.text("automatic_payment_methods[allow_redirects]")
        terms.transferGroup = try reader.text("transfer_group")
        terms.onBehalfOf = try reader.text("on_behalf_of")
        for part in ["carrier", "name", "phone", "tracking_number"] + ["city", "country", "line1", "line2", "postal_code", "state"].map({ "address][\($0)" }) {
            terms.shipping[part] = try reader.text("shipping[\(part)]")
        }
        return terms
    }

    /// The sandbox charges only cards and direct debits; other types can be offered, but not used to pay.
    private static func paymentMethodTypes(from reader: inout ParameterReader) throws(StripeError) -> [String]? {
        let types = try reader.list("payment_method_types")
        guard !types.contains("") else { throw .emptyParameter("payment_method_types") }
        return types.isEmpty ? nil : types
    }

    private static func returnURL(from reader: inout ParameterReader) throws(StripeError) -> String? {
        guard let url = try reader.text("return_url") else { return nil }
        guard url.hasPrefix("http://") || url.hasPrefix("https://"), url.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .invalidRequest("Not a valid URL: it must begin with http:// or https://.", parameter: "return_url")
        }
        return url
    }
}
