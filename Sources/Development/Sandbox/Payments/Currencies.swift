/// The currencies in which the sandbox's account can charge, and the minimum amount of each, in its smallest unit. Where Stripe lists no minimum, it converts
/// 50 US cents.
enum Currencies {
    /// Stripe's own list of minimums.
    private static let minimums: [String: Int] = [
        "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1_500, "dkk": 250, "eur": 50, "gbp": 30, "hkd": 400, "huf": 17_500,
        "inr": 50, "jpy": 50, "mxn": 1_000, "myr": 200, "nok": 300, "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1_000,
    ]

    private static let known = Set(
        minimums.keys.map { $0 }
            + """
            afn all amd ang aoa ars awg azn bam bbd bdt bhd bif bmd bnd bob bsd bwp byn bzd cdf clp cny cop crc cve djf dop dzd egp etb fjd fkp gel gip gmd gnf gtq gyd \
            hnl htg idr ils isk jmd jod kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mzn nad ngn nio npr omr pab pen pgk \
            php pkr pyg qar rsd rub rwf sar sbd scr shp sle sos srd std szl tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw
            """.split(separator: " ").map(String.init))

    static func check(_ currency: String) throws(StripeError) {
        guard !known.contains(currency) else { return }
        throw .invalidRequest(
            "Invalid currency: \(currency). Stripe currently supports these currencies: \(known.sorted().joined(separator: ", "))", parameter: "currency")
    }

    static func check(_ amount: Int, of currency: String) throws(StripeError) {
        guard let minimum = minimums[currency], amount < minimum else { return }
        throw StripeError(
            status: 400, kind: .invalidRequest, code: "amount_too_small",
            message: "Amount must be at least \(minimum) \(currency) in its smallest unit", parameter: "amount")
    }
}
