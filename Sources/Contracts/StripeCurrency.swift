/// How Stripe counts a currency, which is not always how ISO 4217 does.
///
/// Source: Stripe's documentation, "Supported currencies" (docs.stripe.com/currencies, 2026): presentment currencies, zero-decimal and three-decimal
/// currencies, special cases, minimum charge amounts. The catalog accepts prices by this table, and payments converts amounts by it, so that
/// anything that can be priced can be charged.
public struct StripeCurrency: Sendable, Hashable {
    public let currency: Currency
    /// How many decimal digits the amounts in Stripe's API have.
    public let digits: Int
    /// Wharf's amounts must be multiples of this many minor units.
    public let step: Int
    /// The smallest amount that can be charged, in Wharf's minor units; 1 where Stripe names none. An order that costs nothing is not charged at all.
    public let minimum: Int

    /// Nil for a currency that Stripe does not charge in.
    public init?(_ code: String) {
        guard let currency = Currency(code), Self.presentment.contains(code) else { return nil }
        self.currency = currency
        digits = Self.exceptions[code] ?? currency.digits
        step = Self.threeDecimal.contains(code) ? Self.threeDecimalStep : Self.power(currency.digits - digits)
        minimum = Self.minimums[code] ?? step
    }

    /// The amount in Stripe's API for Wharf's; nil where Stripe has no equivalent.
    public func gatewayAmount(_ amount: Int) -> Int? {
        guard amount.isMultiple(of: step) else { return nil }
        let (scaled, overflow) = amount.multipliedReportingOverflow(by: Self.power(digits - currency.digits))
        return overflow ? nil : scaled / Self.power(currency.digits - digits)
    }

    /// Wharf's amount for the one in Stripe's API; nil where Wharf has no equivalent, as for 50 (half a shilling) in UGX.
    public func amount(fromGateway amount: Int) -> Int? {
        let divisor = Self.power(digits - currency.digits)
        guard amount.isMultiple(of: divisor) else { return nil }
        let (scaled, overflow) = (amount / divisor).multipliedReportingOverflow(by: Self.power(currency.digits - digits))
        return overflow ? nil : scaled
    }

    /// Ten to the power of `exponent`; 1 for a negative one.
    private static func power(_ exponent: Int) -> Int {
        exponent > 0 ? (0..<exponent).reduce(1) { power, _ in power * 10 } : 1
    }

    private static let presentment = Set(
        """
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CVE CZK DJF DKK DOP DZD
        EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR ISK JMD JOD JPY KES KGS KHR KMF KRW KWD KYD KZT LAK LBP LKR LRD
        LSL MAD MDL MGA MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD
        SCR SEK SGD SHP SLE SOS SRD SZL THB TJS TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW
        """.split(whereSeparator: \.isWhitespace).map(String.init))

    /// ISK and UGX have lost their decimals, but Stripe still takes two, which must be 00. MGA is a zero-decimal currency there.
    /// (HUF and TWD are zero-decimal in payouts only; charges have two decimals.)
    private static let exceptions = ["ISK": 2, "UGX": 2, "MGA": 0]

    /// The last digit must be 0.
    private static let threeDecimal: Set = ["BHD", "JOD", "KWD", "OMR", "TND"]
    private static let threeDecimalStep = 10

    /// In minor units. They hold for charges that are settled in the same currency, as a shop's own mostly are; Stripe itself rejects a charge that has to be
    /// converted first and falls below the minimum there.
    private static let minimums = [
        "USD": 50, "AED": 200, "ARS": 50, "AUD": 50, "BRL": 50, "CAD": 50, "CHF": 50, "COP": 50, "CZK": 1_500, "DKK": 250, "EUR": 50, "GBP": 30,
        "HKD": 400, "HUF": 17_500, "IDR": 50, "ILS": 50, "INR": 50, "JPY": 50, "KRW": 50, "MXN": 1_000, "MYR": 200, "NOK": 300, "NZD": 50, "PHP": 50,
        "PLN": 200, "RON": 200, "RUB": 50, "SEK": 300, "SGD": 50, "THB": 1_000, "ZAR": 50,
    ]
}

extension Money {
    /// The amount in Stripe's API; nil for an amount that Stripe cannot charge.
    public var stripeAmount: Int? { StripeCurrency(currency)?.gatewayAmount(amount) }

    /// Money from Stripe's API, its currency in either case; nil where Wharf has no equivalent.
    public init?(stripeAmount: Int, currency: String) {
        guard let known = StripeCurrency(currency.uppercased()), let amount = known.amount(fromGateway: stripeAmount) else { return nil }
        self.init(amount: amount, currency: known.currency.code)
    }
}
