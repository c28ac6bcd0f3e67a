/// What an address in a country requires.
public struct Country: Sendable, Hashable {
    /// ISO 3166-1 alpha-2.
    public let code: String
    /// Whether mail there is not delivered without a postal code. Where it is false, a code may exist and may be given.
    public let needsPostalCode: Bool
    /// Whether the state or province belongs in the address.
    public let needsRegion: Bool

    /// Nil for a code that ISO 3166-1 has not assigned: `UK`, `ZZ`, `XK`.
    public init?(_ code: String) {
        guard Self.codes.contains(code) else { return nil }
        self.code = code
        needsPostalCode = Self.withPostalCode.contains(code)
        needsRegion = Self.withRegion.contains(code)
    }

    public static var all: [Country] { codes.sorted().compactMap(Country.init) }

    private static func set(_ codes: String) -> Set<String> { Set(codes.split(whereSeparator: \.isWhitespace).map(String.init)) }

    /// All 249 of ISO 3166-1.
    private static let codes = set(
        """
        AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM
        CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY
        HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF
        MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE
        RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ
        VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
        """)

    /// The countries whose addresses require one in Google's address data (libaddressinput), which follows the Universal Postal Union's formats. The others have
    /// no postal codes (HK, AE, QA and 60 others) or deliver without.
    private static let withPostalCode = set(
        """
        AS AT AU AX BE BL BR CA CH CN CZ DE DK EE ES FI FK FM FR GB GF GG GL GP GR GS GU HU IM IN IO IT JE JP KR LI LT LU LV MF MH MP MQ MX MY NC NL
        NO NZ PF PL PM PN PR PT PW RE RO RU SE SG SH SJ SK SM TC TR TW UA US VI WF YT ZA
        """)

    /// The countries of the same data where neither city nor postal code implies the region: in HK or AE the city names it, in ES, IT or KR the postal code
    /// implies it, and an address that leaves it out arrives.
    private static let withRegion = set("AU BR CA CN IN JP MX US")
}
