import Contracts

extension Fields {
    static let maximumPostalCode = 20
    static let maximumPhone = 50

    /// An address that mail can be sent to, as far as its country's rules can tell.
    public mutating func address(_ field: String) -> Address {
        object(field) { $0.address() }
    }

    /// The same, from the fields of this object itself.
    public mutating func address() -> Address {
        let value = Address(
            name: text("name"), company: optionalText("company"), line1: text("line1"),
            line2: optionalText("line2"), city: text("city"), region: optionalText("region"),
            postalCode: optionalText("postalCode", 1...Fields.maximumPostalCode), country: text("country", 2...2),
            phone: optionalText("phone", 1...Fields.maximumPhone))
        guard !value.country.isEmpty else { return value }
        guard let country = Country(value.country) else {
            note("country", "must be the ISO 3166-1 alpha-2 code of a country, such as DE or GB")
            return value
        }
        if country.needsPostalCode { require("postalCode", value.postalCode, "is required in \(country.code)") }
        if country.needsRegion { require("region", value.region, "is required in \(country.code): the state or province") }
        return value
    }

    /// Notes a missing value, unless it is present and noted as wrong.
    private mutating func require(_ field: String, _ value: String?, _ detail: String) {
        if value == nil, !has(field) { note(field, detail) }
    }
}
