import Contracts
import JSON
import Messaging

/// A product's row of CSV as the fields of a change. A cell that says what the product has already says nothing: so a number stays a number, and a picture
/// keeps its text, although CSV has neither.
struct ProductCells {
    let cells: [String: String]
    let known: ProductRow?
    let price: Money?
    /// The names of the options that distinguish its variants; the product itself has no attributes with these names.
    var variantOptions: Set<String> = []

    var object: [String: JSONValue] {
        var object: [String: JSONValue] = ["sku": .string(cells["sku"] ?? "")]
        for name in ["slug", "name"] {
            if let text = cells[name], !text.isEmpty { object[name] = .string(text) }
        }
        if let text = cells["description"], text != known?.view.description ?? "" { object["description"] = .string(text) }
        if let text = cells["brand"], text != known?.view.brand ?? "" { object["brand"] = text.isEmpty ? .null : .string(text) }
        if let price { object["price"] = .object(["amount": .integer(price.amount), "currency": .string(price.currency)]) }
        if let text = cells["stock"], !text.isEmpty { object["stock"] = Int(text).map { .integer($0) } ?? .string(text) }
        if let text = cells["variants"], !text.isEmpty { object["variants"] = (try? JSON.decode(JSONValue.self, from: Array(text.utf8))) ?? .string(text) }
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
        for (name, text) in Self.wooAttributes(cells) where !variantOptions.contains(name) { set(name, text, &attributes) }
        return attributes
    }

    /// WooCommerce: "Attribute 1 name" and "Attribute 1 value(s)".
    private static func wooAttributes(_ cells: [String: String]) -> [(name: String, value: String)] {
        cells.compactMap { name, attribute in
            guard name.hasPrefix("woo."), name.hasSuffix(" name"), !attribute.isEmpty else { return nil }
            return (attribute, cells["\(name.dropLast(" name".count)) value(s)"] ?? "")
        }
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

    // MARK: - Variants

    /// The options that distinguish a variant, from its row: Shopify's options, except the one that stands for none, or WooCommerce's attributes.
    static func options(of cells: [String: String]) -> [String: String] {
        var options: [String: String] = [:]
        for number in 1...3 {
            guard let name = cells["option\(number).name"], let value = cells["option\(number).value"], !name.isEmpty, !value.isEmpty else { continue }
            if name != "Title" { options[name] = value }
        }
        for (name, value) in wooAttributes(cells) where !value.isEmpty { options[name] = value }
        return options
    }

    /// The variant of a row as JSON, with its price only if that differs from the product's.
    static func variant(_ sku: String, _ cells: [String: String], _ price: Money, of product: Money) -> JSONValue {
        var object: [String: JSONValue] = ["sku": .string(sku), "options": .object(options(of: cells).mapValues { .string($0) })]
        if price != product { object["price"] = .object(["amount": .integer(price.amount), "currency": .string(price.currency)]) }
        if let text = cells["stock"], !text.isEmpty { object["stock"] = Int(text).map { .integer($0) } ?? .string(text) }
        return .object(object)
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
