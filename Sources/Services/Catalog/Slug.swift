import FoundationEssentials

extension String {
    static let maximumSlugLength = 100

    /// Lower-case ASCII words joined by '-'; empty for a text without any.
    var slug: String {
        lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }.joined(separator: "-").slugPrefix(Self.maximumSlugLength)
    }

    /// At most this many characters, without a trailing '-'.
    fileprivate func slugPrefix(_ length: Int) -> String {
        let slug = prefix(length)
        return String(slug.last == "-" ? slug.dropLast() : slug)
    }

    /// Whether it is a valid product slug. `/v1/products/{idOrSlug}` treats anything that looks like a UUID as an id.
    var isSlug: Bool { !isEmpty && self == slug && UUID(uuidString: self) == nil }
}

extension NewProduct {
    /// The slug of a product created without one: name and SKU, of which the SKU is kept whole. `suffix` distinguishes it from that of another product
    /// whose SKU reads the same ("A.1" and "a-1").
    func generatedSlug(suffix: String? = nil) -> String {
        let tail = [sku.slug, suffix ?? ""].filter { !$0.isEmpty }.joined(separator: "-")
        let head = name.slug.slugPrefix(String.maximumSlugLength - tail.count - 1)
        let slug = [head, tail].filter { !$0.isEmpty }.joined(separator: "-")
        return slug.isSlug ? slug : ["product", slug].filter { !$0.isEmpty }.joined(separator: "-")
    }
}
