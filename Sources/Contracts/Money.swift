/// An amount in the currency's minor unit (cents for EUR); never a fraction.
public struct Money: Sendable, Hashable, Codable {
    /// Above every real order, and small enough that sums of 100 lines of 999 pieces stay inside `Int`.
    public static let maximumAmount = 99_999_999

    public let amount: Int
    /// ISO 4217, upper case.
    public let currency: String

    public init(amount: Int, currency: String) {
        self.amount = amount
        self.currency = currency
    }

    /// Whether it is an amount that an order may have.
    public var isChargeable: Bool {
        (0...Self.maximumAmount).contains(amount) && currency.utf8.count == 3
            && currency.utf8.allSatisfy { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
    }

    /// Why it cannot be charged as a price or a total, with the field at fault; nil when it can be.
    public var flaw: (field: String, detail: String)? {
        guard Currency(currency) != nil else { return ("currency", "must be the ISO 4217 code of a currency in use, such as EUR") }
        guard let gateway = StripeCurrency(currency) else { return ("currency", "is a currency that the payment gateway does not charge in") }
        guard amount.isMultiple(of: gateway.step) else { return ("amount", "must be a multiple of \(gateway.step) in \(currency)") }
        return nil
    }

    /// As people write it, with the decimals of its currency: `19.99 EUR` for 1999 cents, `1999 JPY`.
    public var text: String {
        let digits = Currency(currency)?.digits ?? 2
        guard digits > 0 else { return "\(amount) \(currency)" }
        let figures = String(amount.magnitude)
        let padded = String(repeating: "0", count: max(0, digits + 1 - figures.count)) + figures
        return "\(amount < 0 ? "-" : "")\(padded.dropLast(digits)).\(padded.suffix(digits)) \(currency)"
    }
}
