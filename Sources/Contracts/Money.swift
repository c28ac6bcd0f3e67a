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
}
