/// How PayPal writes a currency's amounts.
///
/// Source: PayPal's documentation, "Currency codes" (developer.paypal.com/api/rest/reference/currency-codes, 2026). No currency has three decimals there;
/// three have none, although ISO 4217 gives two of these three two decimals.
public struct PayPalCurrency: Sendable, Hashable {
    /// PayPal's own limit on the length of an amount's text, in characters.
    static let maximumLength = 32

    public let currency: Currency
    /// The number of decimals of amounts in PayPal's API.
    public let digits: Int
    /// Wharf's amounts must be multiples of this many minor units.
    public let step: Int

    /// Nil for a currency in which PayPal accepts no payments.
    public init?(_ code: String) {
        guard let currency = Currency(code), Self.supported.contains(code) else { return nil }
        self.currency = currency
        digits = Self.withoutDecimals.contains(code) ? 0 : 2
        step = (0..<max(0, currency.digits - digits)).reduce(1) { power, _ in power * 10 }
    }

    /// Wharf's amount as PayPal's API writes it: `19.99` for 1999 cents. Nil for an amount that PayPal cannot express, and for a negative one.
    public func text(_ amount: Int) -> String? {
        guard amount >= 0, amount.isMultiple(of: step) else { return nil }
        let figures = String(amount / step)
        guard digits > 0 else { return figures }
        let padded = String(repeating: "0", count: max(0, digits + 1 - figures.count)) + figures
        return "\(padded.dropLast(digits)).\(padded.suffix(digits))"
    }

    /// The exact amount in Wharf for an amount's text in PayPal's API; nil for anything but digits with, at most, a point and the currency's decimals. Further
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
    /// The amount as PayPal's API writes it; nil for an amount that PayPal cannot charge.
    public var payPalText: String? { PayPalCurrency(currency)?.text(amount) }

    /// An amount from PayPal's API; nil if Wharf has no equivalent.
    public init?(payPalText: String, currency: String) {
        guard let known = PayPalCurrency(currency), let amount = known.amount(payPalText) else { return nil }
        self.init(amount: amount, currency: currency)
    }

    /// Why the gateway cannot charge or refund this amount, with the field at fault; nil when it can.
    public func flaw(at gateway: GatewayName) -> (field: String, detail: String)? {
        switch gateway {
        case .stripe: return flaw
        case .paypal:
            guard let known = PayPalCurrency(currency) else { return ("currency", "is \(currency), a currency in which PayPal does not accept payments") }
            guard amount.isMultiple(of: known.step) else { return ("amount", "must be a multiple of \(known.step) in \(currency) with PayPal") }
            return nil
        }
    }
}
