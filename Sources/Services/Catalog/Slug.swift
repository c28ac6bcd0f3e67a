import FoundationEssentials

extension String {
    static let maximumSlugLength = 100

    /// Lower-case ASCII words without accents, joined by '-', such as `creme-brulee`; empty if the text has none.
    var slug: String {
        utf8.allSatisfy { $0 < 0x80 } ? plainSlug : folded.plainSlug
    }

    /// The slug of a folded text, or of an ASCII text, which needs no folding. Bytes of non-ASCII letters separate words.
    private var plainSlug: String {
        var bytes: [UInt8] = []
        var isBetween = false
        for byte in utf8 {
            let lower = (0x41...0x5A).contains(byte) ? byte + 0x20 : byte
            guard (0x61...0x7A).contains(lower) || (0x30...0x39).contains(lower) else {
                isBetween = !bytes.isEmpty
                continue
            }
            // A longer slug would be cut, and would lose a '-' at the cut.
            guard bytes.count < Self.maximumSlugLength else { break }
            if isBetween { bytes.append(UInt8(ascii: "-")) }
            isBetween = false
            bytes.append(lower)
        }
        return String(decoding: bytes, as: UTF8.self).slugPrefix(Self.maximumSlugLength)
    }

    /// At most this many characters, without a trailing '-'.
    fileprivate func slugPrefix(_ length: Int) -> String {
        guard utf8.count > length else { return self }
        let slug = prefix(length)
        return String(slug.last == "-" ? slug.dropLast() : slug)
    }

    /// Whether it is a valid slug. `/v1/products/{idOrSlug}` treats anything that looks like a UUID as an id.
    var isSlug: Bool { self == slug && isGeneratedSlug }

    /// Whether a product cannot have it, because its path is another resource: `/v1/products/suggestions`.
    var isReservedSlug: Bool { self == "suggestions" }

    /// Whether a text that ``slug`` returned is a valid product slug.
    fileprivate var isProductSlug: Bool { isGeneratedSlug && !isReservedSlug }

    /// The same of a text that ``slug`` returned.
    private var isGeneratedSlug: Bool { !isEmpty && (utf8.count != Self.uuidLength || UUID(uuidString: self) == nil) }

    private static let uuidLength = 36

    /// The slug with `tail` appended, to make it unique: `tea-2`.
    func slug(endingIn tail: String) -> String {
        tail.isEmpty ? self : "\(slugPrefix(Self.maximumSlugLength - tail.utf8.count - 1))-\(tail)"
    }
}

/// What a product is called in a URL when its slug was not given: its name, with a number if another product has that name, and with its SKU if many have it.
enum GeneratedSlug {
    /// Numbers tried for one name before the SKU is appended. Each is a look-up, and an import may have thousands of products with one name.
    static let numbers = 2...9

    static func first(name: String, sku: String) -> String {
        let slug = name.slug
        if slug.isProductSlug { return slug }
        let other = sku.slug
        return other.isProductSlug ? other : "product"
    }

    /// The slugs with a number, the best one first.
    static func numbered(_ first: String) -> [String] { numbers.compactMap { variant(of: first, endingIn: String($0)) } }

    static func withSKU(_ first: String, _ sku: String) -> String? { variant(of: first, endingIn: sku.slug) }

    /// A slug that is always unique: it ends in a part of the product's id.
    static func last(_ first: String, _ id: UUID) -> String { first.slug(endingIn: String(id.uuidString.lowercased().suffix(12))) }

    /// All slugs that can be made from the first choice, the best one first.
    static func all(_ first: String, sku: String, _ id: UUID) -> [String] {
        [first] + numbered(first) + [withSKU(first, sku)].compactMap(\.self) + [last(first, id)]
    }

    private static func variant(of first: String, endingIn tail: String) -> String? {
        let slug = first.slug(endingIn: tail)
        return slug != first && slug.isProductSlug ? slug : nil
    }
}
