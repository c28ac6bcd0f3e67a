import Contracts
import FoundationEssentials
import JSON
import Messaging

extension ImportBatch {
    /// The fields of a product that has one row; returns nil, and rejects the row, if its price is wrong.
    mutating func product(_ row: KeyedRow, _ cells: [String: String], _ known: ProductRow?) -> [String: JSONValue]? {
        switch price(row, cells, known: known?.view.price.currency) {
        case .success(let price):
            // The row of a product whose variants are elsewhere says nothing about its price.
            let options = row.keepsVariants ? Set(known?.variants.flatMap(\.options.keys) ?? []) : []
            var object = ProductCells(cells: cells, known: known, price: row.keepsVariants ? nil : price, variantOptions: options).object
            if row.keepsVariants { object["stock"] = nil }
            return object
        case .failure(let problem):
            reject(row, problem)
            return nil
        }
    }

    /// The fields of a product whose variants are the parts of its row; returns nil, and rejects the row, if one of them is wrong.
    mutating func productWithVariants(_ row: KeyedRow, _ cells: [String: String], _ known: ProductRow?) -> [String: JSONValue]? {
        var priced: [(part: KeyedRow, price: Money)] = []
        for part in row.parts {
            switch price(part, part.cells ?? [:], known: known?.view.price.currency) {
            case .success(let price?): priced.append((part, price))
            case .success(nil): reject(part, column: "price", "is required for a variant")
            case .failure(let problem): reject(part, problem)
            }
        }
        guard priced.count == row.parts.count || row.keepsVariants, let first = priced.first?.price else { return nil }
        let old = row.keepsVariants ? known?.variants ?? [] : []
        let kept = old.filter { old in !priced.contains { $0.part.key == old.sku } }
        let price = kept.isEmpty ? first : known?.view.price ?? first
        let options = Set(priced.flatMap { ProductCells.options(of: $0.part.cells ?? [:]).keys } + kept.flatMap(\.options.keys))
        var object = ProductCells(cells: cells, known: known, price: price, variantOptions: options).object
        var variants = Dictionary(
            priced.map { ($0.part.key, ProductCells.variant($0.part.key, $0.part.cells ?? [:], $0.price, of: price)) }, uniquingKeysWith: { first, _ in first })
        // Existing variants keep their order; new ones follow.
        let inPlace = old.map { old in variants.removeValue(forKey: old.sku) ?? Self.json(old.variant(currency: price.currency)) }
        object["variants"] = .array(inPlace + priced.compactMap { variants[$0.part.key] })
        // WooCommerce's variable products have no stock of their own that could be sold.
        object["stock"] = nil
        return object
    }

    private static func json(_ variant: Variant) -> JSONValue {
        var object: [String: JSONValue] = ["sku": .string(variant.sku), "options": .object(variant.options.mapValues { .string($0) })]
        if let price = variant.price { object["price"] = .object(["amount": .integer(price.amount), "currency": .string(price.currency)]) }
        return .object(object)
    }

    /// Rejects the rows of variants whose product cannot be accepted.
    mutating func rejectParts(of rows: [KeyedRow]) {
        let lines = Set(rejections.map(\.line))
        for row in rows where row.keepsVariants && lines.contains(row.row.line) {
            for part in row.parts where !lines.contains(part.row.line) { reject(part, "belongs to the product of line \(row.row.line), which cannot be accepted") }
        }
    }
}
