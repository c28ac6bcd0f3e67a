/// A currency that goods can be priced in.
public struct Currency: Sendable, Hashable {
    /// ISO 4217, upper case.
    public let code: String
    /// How many decimal digits the minor unit stands for: 2 for EUR, 0 for JPY, 3 for KWD.
    public let digits: Int

    /// Nil for a code that is not in use. Funds, metals and codes for tests are not money that a customer pays with.
    public init?(_ code: String) {
        guard let digits = Self.digits[code] else { return nil }
        self.code = code
        self.digits = digits
    }

    public static var all: [Currency] { digits.keys.sorted().compactMap(Currency.init) }

    /// ISO 4217, list one, as of January 2026.
    private static let digits: [String: Int] = {
        let byDigits = [
            0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
            2: """
            AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP
            DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR
            LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB
            SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG
            YER ZAR ZMW ZWG
            """,
            3: "BHD IQD JOD KWD LYD OMR TND",
        ]
        var table: [String: Int] = [:]
        for (digits, codes) in byDigits {
            for code in codes.split(whereSeparator: \.isWhitespace) { table[String(code)] = digits }
        }
        return table
    }()
}
