/// A postal address. What each country requires of it is in ``Country``.
public struct Address: Sendable, Hashable, Codable {
    public var name: String
    public var company: String?
    public var line1: String
    public var line2: String?
    public var city: String
    /// State, province or prefecture.
    public var region: String?
    public var postalCode: String?
    /// ISO 3166-1 alpha-2.
    public var country: String
    public var phone: String?

    public init(
        name: String, company: String? = nil, line1: String, line2: String? = nil, city: String, region: String? = nil, postalCode: String?,
        country: String, phone: String? = nil
    ) {
        self.name = name
        self.company = company
        self.line1 = line1
        self.line2 = line2
        self.city = city
        self.region = region
        self.postalCode = postalCode
        self.country = country
        self.phone = phone
    }

    /// Countries whose parcels have the postal code before the city, as the Universal Postal Union describes them; only those that Wharf's languages often meet.
    private static let codeFirst: Set<String> = [
        "AT", "BE", "BG", "CH", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IS", "IT", "LI", "LT", "LU", "MC", "NL", "NO", "PL", "PT", "RO", "RS", "SE", "SI", "SK", "SM", "TR",
    ]

    /// As written on a parcel, one line each.
    public var lines: [String] {
        let place = (Self.codeFirst.contains(country) ? [postalCode, city, region] : [city, region, postalCode]).compactMap(\.self).joined(separator: " ")
        return [name, company, line1, line2, place, country].compactMap(\.self)
    }
}
