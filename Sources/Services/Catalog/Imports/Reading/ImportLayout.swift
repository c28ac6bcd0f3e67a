/// Which column of a CSV file means what: Wharf's own header, or that of a shop's product export.
struct ImportLayout: Sendable, Codable, Equatable {
    enum Origin: String, Sendable, Codable {
        case wharf, shopify, woocommerce
    }

    struct Flaw: Error, Equatable {
        let reason: String
        init(_ reason: String) { self.reason = reason }
    }

    static let maximumColumns = 1_000
    static let delimiters = [UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\t")]

    let delimiter: UInt8
    let origin: Origin
    /// What stands in each column, and its name in the file; a column that means nothing has no meaning.
    let columns: [Column]

    struct Column: Sendable, Codable, Equatable {
        let name: String
        let meaning: String?
    }

    /// Those of the file that mean nothing.
    var ignored: [String] { columns.filter { $0.meaning == nil && !$0.name.isEmpty }.map(\.name) }

    func index(of meaning: String) -> Int? { columns.firstIndex { $0.meaning == meaning } }

    /// The name of the column in the file that holds this.
    func name(of meaning: String) -> String? { columns.first { $0.meaning == meaning }?.name }

    /// - Parameter header: the first record that is not blank, as each of the delimiters splits it.
    init(_ kind: ImportKind, header read: (_ delimiter: UInt8) -> [String]?) throws(Flaw) {
        var best: (layout: ImportLayout, known: Int)?
        for delimiter in Self.delimiters {
            guard let names = read(delimiter) else { continue }
            let layout = ImportLayout(kind, names: names.map { String($0.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed()) }, delimiter)
            let known = layout.columns.count { $0.meaning != nil }
            if best.map({ known > $0.known }) ?? true { best = (layout, known) }
        }
        guard let layout = best?.layout else { throw Flaw("the file has no header line") }
        guard layout.columns.count <= Self.maximumColumns else { throw Flaw("the header has more than \(Self.maximumColumns) columns") }
        let missing = kind.required(layout.origin).filter { layout.index(of: $0) == nil }
        guard missing.isEmpty else {
            throw Flaw(
                "the header lacks the column \(missing.map { "'\($0)'" }.joined(separator: " and ")); it has \(layout.columns.prefix(20).map { "'\($0.name.prefix(40))'" }.joined(separator: ", "))")
        }
        var seen: Set<String> = []
        for column in layout.columns {
            if let meaning = column.meaning, !seen.insert(meaning).inserted { throw Flaw("the header has two columns for '\(meaning)'") }
        }
        self = layout
    }

    private init(_ kind: ImportKind, names: [String], _ delimiter: UInt8) {
        self.delimiter = delimiter
        let known = Set(names)
        origin =
            kind != .products
            ? .wharf
            : known.isSuperset(of: ["Handle", "Title"])
                ? .shopify
                : known.isSuperset(of: ["SKU", "Name"]) && !known.isDisjoint(with: ["Type", "Regular price", "Published"]) ? .woocommerce : .wharf
        let origin = origin
        columns = names.map { name in
            let meaning: String? =
                switch origin {
                case .wharf: Self.own(name, kind)
                case .shopify: Self.shopify[name]
                case .woocommerce: Self.woocommerce[name] ?? (name.hasPrefix("Attribute ") ? "woo.\(name.dropFirst(10))" : nil)
                }
            return Column(name: name, meaning: meaning)
        }
    }

    private static func own(_ name: String, _ kind: ImportKind) -> String? {
        if kind == .products, name.hasPrefix("attribute."), name != "attribute." { return name }
        let lowered = name.lowercased()
        if lowered == "onhand" { return kind.columns.contains("stock") ? "stock" : nil }
        return kind.columns.contains(lowered) ? lowered : nil
    }

    private static let shopify = [
        "Handle": "handle", "Title": "name", "Body (HTML)": "description", "Vendor": "brand", "Type": "category", "Variant SKU": "sku",
        "Variant Inventory Qty": "stock", "Variant Price": "price", "Image Src": "images", "Variant Barcode": "attribute.barcode",
        "Option1 Name": "option1.name", "Option1 Value": "option1.value", "Option2 Name": "option2.name", "Option2 Value": "option2.value",
        "Option3 Name": "option3.name", "Option3 Value": "option3.value",
    ]

    private static let woocommerce = [
        "SKU": "sku", "Name": "name", "Description": "description", "Regular price": "price", "Categories": "woo.categories", "Images": "images", "Stock": "stock",
        "Brands": "brand", "GTIN, UPC, EAN, or ISBN": "attribute.gtin", "Type": "woo.type", "Parent": "woo.parent", "ID": "woo.id",
    ]
}

/// What an import changes.
enum ImportKind: String, Sendable, Codable, CaseIterable {
    case products, stock, prices, categories

    /// What a row is known by; no two rows of a file have the same.
    var key: String { self == .categories ? "slug" : "sku" }

    var columns: Set<String> {
        switch self {
        case .products: ["sku", "slug", "name", "description", "amount", "price", "currency", "category", "categories", "brand", "stock", "images", "variants"]
        case .stock: ["sku", "stock"]
        case .prices: ["sku", "amount", "price", "currency"]
        case .categories: ["slug", "name", "parent"]
        }
    }

    func required(_ origin: ImportLayout.Origin) -> [String] { self == .stock ? ["sku", "stock"] : [key] }
}
