import Contracts
import FoundationEssentials
import Input
import JSON
import Messaging

extension Fields {
    mutating func productSlug() -> String? {
        let slug = slug()
        if let slug, slug.isReservedSlug { note("slug", "is reserved for another resource") }
        return slug
    }

    mutating func slug() -> String? {
        guard let slug = optionalText("slug", 1...String.maximumSlugLength) else { return nil }
        if !slug.isSlug {
            note("slug", "must be words of lower-case ASCII letters and digits, joined by single '-', and no UUID")
        }
        return slug
    }

    mutating func attributes() -> [String: Scalar]? {
        let attributes = optionalJSON("attributes", [String: Scalar].self, named: Self.attributesForm)
        note(attributes ?? [:])
        return attributes
    }

    /// The attributes to set, and null for those to remove.
    mutating func attributeChanges() -> [String: Scalar?]? {
        let changes = optionalJSON("attributes", [String: Scalar?].self, named: Self.attributesForm)
        note((changes ?? [:]).compactMapValues(\.self))
        return changes
    }

    private static var attributesForm: String { "an object of texts, numbers and booleans" }

    private mutating func note(_ attributes: [String: Scalar]) {
        if attributes.keys.contains("") { note("attributes", "must not have an empty name") }
        if attributes.keys.contains(where: { $0.hasControls() }) { note("attributes", "must not hold control characters in a name") }
        if let flaw = attributes.values.lazy.compactMap(\.flaw).first { note("attributes", flaw) }
    }

    mutating func images() -> [Image]? {
        guard let images = optionalJSON("images", [GivenImage].self, named: "a list of images, each {url, alt?} or a URL")?.map(\.image) else { return nil }
        if images.count > Self.maximumImages { note("images", "must have at most \(Self.maximumImages) images") }
        if let flaw = images.lazy.compactMap(\.flaw).first { note("images", flaw) }
        return images
    }

    private static var maximumImages: Int { 50 }

    /// Without duplicates, in the order given.
    mutating func categories() -> [String]? {
        guard let given = optionalJSON("categories", [String].self, named: "a list of slugs") else { return nil }
        let slugs = given.map(\.nfc).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        if slugs.count > Category.maximumPerProduct { note("categories", "must have at most \(Category.maximumPerProduct) categories") }
        if slugs.contains(where: { $0.hasControls() || !(1...Category.maximumNameLength).contains($0.unicodeScalars.count) }) {
            note("categories", "must be slugs of 1 to \(Category.maximumNameLength) characters, none of them a control character")
        }
        return slugs
    }

    mutating func category() -> String? { optionalText("category", 1...Category.maximumNameLength) }

    mutating func brand() -> String? { optionalText("brand", 1...100) }
}

/// An image. Any other field is an error: a misspelt `alt` must not be ignored silently.
private struct GivenImage: Codable {
    let image: Image

    init(from decoder: any Decoder) throws {
        image = try Image(from: decoder)
        let hasOthers = (try? [String: JSONValue](from: decoder))?.keys.contains { $0 != "url" && $0 != "alt" } ?? false
        if hasOthers { throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "an image has only url and alt")) }
    }

    func encode(to encoder: any Encoder) throws { try image.encode(to: encoder) }
}

extension String {
    /// Made of characters that need no escaping in a path; `.` and `..` are removed from paths by every client.
    var isSKU: Bool {
        self != "." && self != ".." && allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "_" || $0 == "-") }
    }
}
