import Contracts
import JSON
import Messaging

/// A product's row of CSV as the fields of a change. A cell that says what the product has already says nothing: so a number stays a number, and a picture
/// keeps its text, although CSV has neither.
struct ProductCells {
    let cells: [String: String]
    let known: ProductRow?
    let price: Money?

    var object: [String: JSONValue] {
        var object: [String: JSONValue] = ["sku": .string(cells["sku"] ?? "")]
        for name in ["slug", "name"] {
            if let text = cells[name], !text.isEmpty { object[name] = .string(text) }
        }
        if let name = titleWithOptions { object["name"] = .string(name) }
        if let text = cells["description"], text != known?.view.description ?? "" { object["description"] = .string(text) }
        if let text = cells["brand"], text != known?.view.brand ?? "" { object["brand"] = text.isEmpty ? .null : .string(text) }
        if let price { object["price"] = .object(["amount": .integer(price.amount), "currency": .string(price.currency)]) }
        if let text = cells["stock"], !text.isEmpty { object["stock"] = Int(text).map { .integer($0) } ?? .string(text) }
        placeInCategories(&object)
        if let text = cells["images"], text != Self.text(of: known?.view.images ?? []) { object["images"] = .array(Self.images(text).map { .string($0) }) }
        let attributes = attributes
        if !attributes.isEmpty { object["attributes"] = .object(attributes) }
        return object
    }

    private func placeInCategories(_ object: inout [String: JSONValue]) {
        let old = known?.view.categories ?? []
        if let text = cells["woo.categories"] {
            // "Clothing > Shirts, Sale": the last of each path.
            let slugs = text.split(separator: ",").compactMap { $0.split(separator: ">").last.map { String($0).trimmed } }.filter { !$0.isEmpty }
            if slugs != old { object["categories"] = .array(slugs.map { .string($0) }) }
        } else if let text = cells["categories"] {
            if text != Self.text(of: old) {
                object["categories"] = .array(text.split(separator: Self.separator).map { .string(String($0).trimmed) }.filter { $0 != "" })
            }
            if let main = cells["category"], !main.isEmpty, main != old.first { object["category"] = .string(main) }
        } else if let text = cells["category"], text != old.first ?? "" {
            object["category"] = text.isEmpty ? .null : .string(text)
        }
    }

    private var attributes: [String: JSONValue] {
        var attributes: [String: JSONValue] = [:]
        for (name, text) in cells where name.hasPrefix(Self.prefix) { set(String(name.dropFirst(Self.prefix.count)), text, &attributes) }
        // WooCommerce: "Attribute 1 name" and "Attribute 1 value(s)".
        for (name, attribute) in cells where name.hasPrefix("woo.") && name.hasSuffix(" name") && !attribute.isEmpty {
            set(attribute, cells["\(name.dropLast(" name".count)) value(s)"] ?? "", &attributes)
        }
        for (name, option) in options { set(name, option, &attributes) }
        return attributes
    }

    private func set(_ name: String, _ text: String, _ attributes: inout [String: JSONValue]) {
        let old = known?.view.attributes[name]
        if let old, old.text == text || old.text.trimmed == text { return }
        if text.isEmpty {
            if old != nil { attributes[name] = .null }
        } else {
            attributes[name] = .string(text)
        }
    }

    /// Shopify's options of the row, but for the one that stands for none.
    private var options: [(name: String, value: String)] {
        (1...3).compactMap { number in
            guard let name = cells["option\(number).name"], let value = cells["option\(number).value"], !name.isEmpty, !value.isEmpty, name != "Title" else {
                return nil
            }
            return (name, value)
        }
    }

    /// Each of Shopify's variants becomes a product, which is called by its options too.
    private var titleWithOptions: String? {
        guard let title = cells["name"], !options.isEmpty else { return nil }
        return "\(title) (\(options.map(\.value).joined(separator: ", ")))"
    }

    // MARK: - The same texts in exports

    static let prefix = "attribute."
    private static let separator: Character = "|"

    static func text(of categories: [String]) -> String { categories.joined(separator: String(separator)) }

    static func text(of images: [Image]) -> String { images.map(\.url).joined(separator: " ") }

    /// URLs with white space, a bar, or a comma or semicolon with another URL behind it between them.
    private static func images(_ text: String) -> [String] {
        text.split { $0.isWhitespace || $0 == separator }.flatMap { part in
            var urls: [String] = []
            for piece in part.split(whereSeparator: { $0 == "," || $0 == ";" }) {
                if urls.isEmpty || piece.hasPrefix("http://") || piece.hasPrefix("https://") || piece.hasPrefix("/") {
                    urls.append(String(piece))
                } else {
                    urls[urls.count - 1] += ",\(piece)"
                }
            }
            return urls
        }
    }
}

extension Scalar {
    /// As a cell of CSV has it.
    var text: String {
        switch self {
        case .text(let text): text
        case .number(let number): number.text
        case .boolean(let value): value ? "true" : "false"
        }
    }
}
