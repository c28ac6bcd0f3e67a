/// A request that changes something, its parameters already checked.
enum PaymentCommand: Sendable, Equatable {
    case create(PaymentDraft)
    case confirm(id: String, Confirmation)
    case capture(id: String, amount: Int?)
    case cancel(id: String, PaymentIntent.CancellationReason?)
    case refund(RefundDraft)
    case authenticate(id: String, PaymentIntent.AuthenticationResult)
    case closeDispute(id: String, PaymentIntent.DisputeStatus)
    /// A refund reaches the end that its card has set.
    case endRefund(id: String)

    struct Confirmation: Sendable, Equatable {
        var paymentMethod: String?
        var returnURL: String?
        var offSession = false
    }
}

/// Reads commands from parameters. A command that throws here was never carried out, so it is not kept under an idempotency key.
extension PaymentCommand {
    static func create(from reader: inout ParameterReader) throws(StripeError) -> PaymentCommand {
        guard let amount = try reader.integer("amount", in: PaymentIntent.amounts) else { throw .missingParameter("amount") }
        var draft = PaymentDraft(amount: amount, currency: try currency(from: &reader))
        draft.captureMethod = try reader.choice("capture_method", of: PaymentIntent.CaptureMethod.self) ?? draft.captureMethod
        draft.paymentMethod = try reader.text("payment_method")
        draft.customer = try reader.text("customer")
        draft.description = try reader.text("description")
        draft.metadata = try reader.metadata()
        draft.paymentMethodTypes = try paymentMethodTypes(from: &reader) ?? draft.paymentMethodTypes
        draft.returnURL = try returnURL(from: &reader)
        draft.confirm = try reader.flag("confirm") ?? draft.confirm
        draft.offSession = try reader.flag("off_session") ?? draft.offSession
        if draft.confirm, draft.paymentMethod == nil { throw .missingParameter("payment_method") }
        return .create(draft)
    }

    static func confirm(_ id: String, from reader: inout ParameterReader) throws(StripeError) -> PaymentCommand {
        .confirm(
            id: id,
            Confirmation(
                paymentMethod: try reader.text("payment_method"), returnURL: try returnURL(from: &reader),
                offSession: try reader.flag("off_session") ?? false))
    }

    static func capture(_ id: String, from reader: inout ParameterReader) throws(StripeError) -> PaymentCommand {
        .capture(id: id, amount: try reader.integer("amount_to_capture", in: PaymentIntent.amounts))
    }

    static func cancel(_ id: String, from reader: inout ParameterReader) throws(StripeError) -> PaymentCommand {
        .cancel(id: id, try reader.choice("cancellation_reason", of: PaymentIntent.CancellationReason.self))
    }

    static func refund(from reader: inout ParameterReader) throws(StripeError) -> PaymentCommand {
        .refund(
            RefundDraft(
                paymentIntent: try reader.requiredText("payment_intent"),
                amount: try reader.integer("amount", in: PaymentIntent.amounts),
                reason: try reader.choice("reason", of: Refund.Reason.self), metadata: try reader.metadata()))
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

    private static func currency(from reader: inout ParameterReader) throws(StripeError) -> String {
        let currency = try reader.requiredText("currency").lowercased()
        guard currency.utf8.count == 3, currency.utf8.allSatisfy({ (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }) else {
            throw .invalidRequest("Invalid currency: \(currency). It must be a three-letter ISO 4217 code.", parameter: "currency")
        }
        return currency
    }

    /// Cards are all that the sandbox charges; the choices of how to offer them are accepted and change nothing else.
    private static func paymentMethodTypes(from reader: inout ParameterReader) throws(StripeError) -> [String]? {
        _ = try reader.flag("automatic_payment_methods[enabled]")
        _ = try reader.text("automatic_payment_methods[allow_redirects]")
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
