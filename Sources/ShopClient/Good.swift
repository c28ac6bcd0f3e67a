/// An item of the baskets as a product to sell. Everything follows from its name, so that each run finds the products of earlier runs.
package struct Good: Sendable, Hashable {
    package static let currency = "EUR"
    static let prices = 99...1999
    static let category = "groceries"
    package static let maximumNameLength = 200
    private static let prefix = "groc-"
    private static let maximumSlugLength = 48

    package let name: String
    /// `groc-whole-milk`; also its slug. At most 64 characters.
    package let sku: String
    /// Cents.
    package let price: Int

    package init(name: String) {
        let hash = Self.hash(name)
        self.name = name
        price = Self.prices.lowerBound + Int(hash % UInt64(Self.prices.count))
        let words = name.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
        let slug = words.joined(separator: "-")
        // A name that its slug reproduces needs no hash; other names might share a slug.
        let isPlain = words.joined(separator: " ") == name && slug.count <= Self.maximumSlugLength
        let parts = isPlain ? [slug] : [String(slug.prefix(Self.maximumSlugLength)), Self.digits(hash)]
        sku = Self.prefix + parts.filter { !$0.isEmpty }.joined(separator: "-")
    }

    /// FNV-1a, 64 bits: the same in every process, unlike `hashValue`.
    package static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }

    private static func digits(_ hash: UInt64) -> String {
        let text = String(hash >> 32, radix: 16)
        return String(repeating: "0", count: 8 - text.count) + text
    }
}
