import FoundationEssentials

extension String {
    static let maximumSlugLength = 100

    /// Lower-case ASCII words joined by '-'; empty for a text without any.
    var slug: String {
        if utf8.allSatisfy({ $0 < 0x80 }) { return plainSlug }
        return lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }.joined(separator: "-").slugPrefix(Self.maximumSlugLength)
    }

    /// The slug of an ASCII text, which needs no tables.
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
