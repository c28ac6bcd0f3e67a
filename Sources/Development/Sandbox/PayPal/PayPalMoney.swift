import JSON

/// An amount as PayPal accepts it, in the smallest unit that its text can express.
struct PayPalMoney: Sendable, Equatable, Codable {
    /// A list of its own, and not that of Contracts on purpose: a mistake there would otherwise be accepted here, and found by PayPal alone.
    private static let currencies = Set(
        ["AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "JPY", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "RUB", "SEK", "SGD", "THB"]
            + ["TWD", "USD"])
    private static let whole: Set = ["HUF", "JPY", "TWD"]
    /// PayPal writes these without decimals; ISO 4217, whose units the sandbox's ledger uses, gives them two.
    private static let wholeHereAlone: Set = ["HUF", "TWD"]

    let currency: String
    var units: Int

    var text: String {
        if Self.whole.contains(currency) { return String(units) }
        let cents = String(units % 100)
        return "\(units / 100).\(cents.utf8.count < 2 ? "0" : "")\(cents)"
    }

    /// The amount in the smallest unit of ISO 4217.
    var isoUnits: Int { Self.wholeHereAlone.contains(currency) ? units * 100 : units }

    init(currency: String, units: Int) {
        self.currency = currency
        self.units = units
    }

    init(_ given: Given) throws(PayPalError) {
        currency = given.currency
        guard Self.currencies.contains(given.currency) else { throw .unprocessable("CURRENCY_NOT_SUPPORTED", "Currency code is not supported.") }
        let parts = given.value.split(separator: ".", omittingEmptySubsequences: false)
        guard let whole = parts.first, parts.count <= 2, given.value.utf8.count <= 32,
            parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } }), let high = Int(whole), high < 10_000_000_000
        else { throw .invalid("INVALID_PARAMETER_SYNTAX", "The value of a field does not conform to the expected format.") }
        if Self.whole.contains(currency) {
            guard parts.count == 1 else { throw .unprocessable("DECIMALS_NOT_SUPPORTED", "Currency does not support decimals.") }
            units = high
        } else {
            guard let low = parts.count == 2 ? parts.last : "00", low.utf8.count <= 2, let cents = Int(low) else {
                throw .unprocessable("DECIMAL_PRECISION", "If the currency supports decimals, only two decimal place precision is supported.")
            }
            units = high * 100 + (low.utf8.count == 1 ? cents * 10 : cents)
        }
        guard units > 0 else { throw .unprocessable("CANNOT_BE_ZERO_OR_NEGATIVE", "Must be greater than zero.") }
    }

    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("currency_code", currency)
            writer.field("value", text)
        }
    }

    /// An amount as a request contains it.
    struct Given: Decodable {
        let currency: String
        let value: String

        private enum CodingKeys: String, CodingKey {
            case currency = "currency_code"
            case value
        }
    }
}
