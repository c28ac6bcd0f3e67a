import Contracts
import FoundationEssentials
import JSON

extension ImportedProduct {
    /// The same as reading the fields with `Fields`, without going through JSON: most rows of most files are printable ASCII within all bounds, and there is
    /// nothing to normalise or to reject. Nil for any other row, which `Fields` then reads.
    init?(_ id: UUID, plain fields: [String: JSONValue]) {
        var change = ProductChange(id: id)
        var stock: Int?
        for (name, value) in fields {
            switch (name, value) {
            case ("sku", .string(let text)): guard text.isPlain(1...64) else { return nil }
            case ("name", .string(let text)):
                guard text.isPlain(1...200) else { return nil }
                change.name = text
            case ("description", .string(let text)):
                guard text.isPlain(0...10_000) else { return nil }
                change.description = text
            case ("brand", .string(let text)):
                guard text.isPlain(1...100) else { return nil }
                change.brand = .some(text)
            case ("category", .string(let text)):
                guard text.isPlain(1...Category.maximumNameLength) else { return nil }
                change.category = .some(text)
            case ("categories", .array(let values)):
                guard let slugs = Self.categories(values) else { return nil }
                change.categories = slugs
            case ("price", .object(let money)):
                guard let price = Self.price(money) else { return nil }
                change.price = price
            case ("stock", .integer(let count)):
                guard (0...StockChange.maximumOnHand).contains(count) else { return nil }
                stock = count
            case ("attributes", .object(let values)):
                guard let attributes = Self.attributes(values) else { return nil }
                change.attributes = .some(attributes)
            default: return nil
            }
        }
        self.init(change: change, stock: stock)
    }

    private static func price(_ money: [String: JSONValue]) -> ProductChange.Price? {
        guard money.count == 2, case .integer(let amount)? = money["amount"], case .string(let currency)? = money["currency"] else { return nil }
        guard (0...Money.maximumAmount).contains(amount), currency.isPlain(3...3) else { return nil }
        return ProductChange.Price(amount: amount, currency: currency)
    }

    private static func categories(_ values: [JSONValue]) -> [String]? {
        guard values.count <= Category.maximumPerProduct else { return nil }
        var slugs: [String] = []
        for value in values {
            guard case .string(let slug) = value, slug.isPlain(1...Category.maximumNameLength) else { return nil }
            if !slugs.contains(slug) { slugs.append(slug) }
        }
        return slugs
    }

    /// Of names and values together: escaped, they are far from the bound of what a product may have.
    private static let maximumAttributeBytes = 4_096

    private static func attributes(_ values: [String: JSONValue]) -> [String: Scalar?]? {
        var attributes: [String: Scalar?] = [:]
        var bytes = 0
        for (name, value) in values {
            guard case .string(let text) = value, name.isPlain(1...200), text.isPlain(0...maximumAttributeBytes) else { return nil }
            bytes += name.utf8.count + text.utf8.count
            attributes[name] = .text(text)
        }
        return bytes <= maximumAttributeBytes ? attributes : nil
    }
}

extension String {
    /// Printable ASCII without space at its ends, in a length of that range: nothing in it can be normalised, trimmed or rejected.
    fileprivate func isPlain(_ length: ClosedRange<Int>) -> Bool {
        let space = UInt8(ascii: " ")
        return length.contains(utf8.count) && utf8.allSatisfy { $0 >= space && $0 <= 0x7E } && utf8.first != space && utf8.last != space
    }
}
