import FoundationEssentials

/// The bodies of requests. As at PayPal, unknown fields are ignored.
enum PayPalRequests {
    static func read<Body: Decodable>(_ bytes: [UInt8]) throws(PayPalError) -> Body {
        guard let body = try? JSONDecoder().decode(Body.self, from: Data(bytes)) else {
            throw .invalid("MALFORMED_REQUEST_JSON", "The request JSON is not well formed.")
        }
        return body
    }
}

struct PayPalOrderDraft: Decodable {
    struct Unit: Decodable {
        let reference: String?
        let custom: String?
        let invoice: String?
        let description: String?
        let amount: PayPalMoney.Given

        private enum CodingKeys: String, CodingKey {
            case reference = "reference_id"
            case custom = "custom_id"
            case invoice = "invoice_id"
            case description, amount
        }
    }

    struct Context: Decodable {
        let returnURL: String?
        let cancelURL: String?

        private enum CodingKeys: String, CodingKey {
            case returnURL = "return_url"
            case cancelURL = "cancel_url"
        }
    }

    struct Wallet: Decodable {
        let context: Context?

        private enum CodingKeys: String, CodingKey {
            case context = "experience_context"
        }
    }

    struct Source: Decodable {
        let paypal: Wallet?
    }

    let intent: String
    let units: [Unit]
    let source: Source?
    let context: Context?

    private enum CodingKeys: String, CodingKey {
        case intent
        case units = "purchase_units"
        case source = "payment_source"
        case context = "application_context"
    }

    func payment(now: Int) throws(PayPalError) -> PayPalPayment {
        guard intent == "CAPTURE" else { throw .invalid("INVALID_PARAMETER_VALUE", "This sandbox only supports the intent CAPTURE.") }
        guard let unit = units.first, units.count == 1 else { throw .invalid("INVALID_ARRAY_LENGTH", "This sandbox accepts exactly one purchase unit.") }
        for (text, limit) in [(unit.custom, 255), (unit.invoice, 127), (unit.description, 127)] where text?.isEmpty ?? false || text?.utf16.count ?? 0 > limit {
            throw .invalid("INVALID_STRING_LENGTH", "The value of a field is either too short or too long.")
        }
        let pages = source?.paypal?.context ?? context
        for page in [pages?.returnURL, pages?.cancelURL].compactMap(\.self) where !page.hasPrefix("http://") && !page.hasPrefix("https://") {
            throw .invalid("INVALID_PARAMETER_SYNTAX", "A URL does not conform to the expected format.")
        }
        let hasSource = source?.paypal != nil
        return PayPalPayment(
            id: PayPalID.make(), status: hasSource ? .payerActionRequired : .created, custom: unit.custom, invoice: unit.invoice, reference: unit.reference ?? "default",
            description: unit.description, amount: try PayPalMoney(unit.amount), returnURL: pages?.returnURL, cancelURL: pages?.cancelURL, hasSource: hasSource,
            created: now, updated: now)
    }
}

/// A refund; an empty body refunds the rest.
struct PayPalRefundDraft: Decodable {
    var amount: PayPalMoney.Given?
    var custom: String?
    var invoice: String?
    var note: String?

    private enum CodingKeys: String, CodingKey {
        case amount
        case custom = "custom_id"
        case invoice = "invoice_id"
        case note = "note_to_payer"
    }
}
