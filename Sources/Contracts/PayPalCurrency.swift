/// How PayPal writes a currency's amounts.
///
/// Source: PayPal's documentation, "Currency codes" (developer.paypal.com/api/rest/reference/currency-codes, 2026). None has three decimals; three have none
/// there, though ISO 4217 gives two of these some.
public struct PayPalCurrency: Sendable, Hashable {
    /// PayPal's own limit for the text of an amount.
    static let maximumLength = 32

    public let currency: Currency
    /// How many decimals the amounts in PayPal's API have.
    public let digits: Int
    /// Wharf's amounts must be multiples of this many minor units.
    public let step: Int

    /// Nil for a currency that PayPal takes no payments in.
    public init?(_ code: String) {
        guard let currency = Currency(code), Self.supported.contains(code) else { return nil }
        self.currency = currency
        digits = Self.withoutDecimals.contains(code) ? 0 : 2
        step = (0..<max(0, currency.digits - digits)).reduce(1) { power, _ in power * 10 }
    }

    /// The amount in PayPal's API for Wharf's: `19.99` for 1999 cents. Nil for one that PayPal cannot express, and for a negative one.
    public func text(_ amount: Int) -> String? {
        guard amount >= 0, amount.isMultiple(of: step) else { return nil }
        let figures = String(amount / step)
        guard digits > 0 else { return figures }
        let padded = String(repeating: "0", count: max(0, digits + 1 - figures.count)) + figures
        return "\(padded.dropLast(digits)).\(padded.suffix(digits))"
    }

    /// Wharf's amount for the text in PayPal's API, exactly; nil for anything else than figures with, at most, a point and the currency's decimals. Further
    /// decimals may only be zeros.
    public func amount(_ text: String) -> Int? {
        guard (1...Self.maximumLength).contains(text.utf8.count) else { return nil }
        let parts = text.utf8.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false).map(Array.init)
        guard let whole = parts.first, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        let decimals = parts.dropFirst().first ?? []
        let shown = Array(decimals.prefix(digits))
        guard decimals.dropFirst(digits).allSatisfy({ $0 == UInt8(ascii: "0") }) else { return nil }
        var units = 0
        for figure in whole + shown + Array(repeating: UInt8(ascii: "0"), count: digits - shown.count) {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(figure) else { return nil }
            let (tenfold, isTooLarge) = units.multipliedReportingOverflow(by: 10)
            let (sum, isTooLargeNow) = tenfold.addingReportingOverflow(Int(figure - UInt8(ascii: "0")))
            guard !isTooLarge, !isTooLargeNow else { return nil }
            units = sum
        }
        let (amount, isTooLarge) = units.multipliedReportingOverflow(by: step)
        return isTooLarge ? nil : amount
    }

    private static let supported = Set(
        "AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF ILS JPY MXN MYR NOK NZD PHP PLN RUB SEK SGD THB TWD USD".split(separator: " ").map(String.init))

    private static let withoutDecimals: Set = ["HUF", "JPY", "TWD"]
}

extension Money {
    /// The amount in PayPal's API; nil for an amount that PayPal cannot take.
    public var payPalText: String? { PayPalCurrency(currency)?.text(amount) }

    /// Money from PayPal's API; nil where Wharf has no equivalent.
    public init?(payPalText: String, currency: String) {
        guard let known = PayPalCurrency(currency), let amount = known.amount(payPalText) else { return nil }
        self.init(amount: amount, currency: currency)
    }

    /// Why this gateway cannot charge or refund it, with the field at fault; nil when it can.
    public func flaw(at gateway: GatewayName) -> (field: String, detail: String)? {
        switch gateway {
        case .stripe: return flaw
        case .paypal:
            guard let known = PayPalCurrency(currency) else { return ("currency", "is \(currency), a currency that PayPal does not take payments in") }
            guard amount.isMultiple(of: known.step) else { return ("amount", "must be a multiple of \(known.step) in \(currency) with PayPal") }
            return nil
        }
    }
}
