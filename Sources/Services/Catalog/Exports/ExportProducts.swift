import Contracts
import FoundationEssentials
import Input
import JSON
import Messaging
import PostgreSQL

/// A page of the catalogue as a file.
struct ExportProducts: Sendable {
    enum Format: Sendable {
        case csv, ndjson
    }

    /// Products in one reply, which is then some 250 KiB.
    static let pageSize = 500
    /// Columns for attributes. Every page needs to know them.
    static let maximumAttributes = 500

    /// Where the page before ended.
    struct Cursor: Sendable, Codable {
        let sku: String
        /// The columns for attributes, in CSV.
        let attributes: [String]
    }

    let format: Format
    let cursor: Cursor?

    static func read(_ request: Request) throws -> ExportProducts {
        try Fields.read(request) { fields in
            let accept = fields.optionalParameter("accept", 1...1_000)?.lowercased() ?? "*/*"
            let format: Format? = accept.contains("ndjson") ? .ndjson : accept.contains("csv") || accept.contains("text/*") || accept.contains("*/*") ? .csv : nil
            guard let format else {
                throw Problem("not-acceptable", title: "Not acceptable", status: 406, detail: "The export is text/csv or application/x-ndjson; Accept names neither.")
            }
            let cursor = fields.optionalParameter("after", 1...maximumCursor).flatMap { try? JSON.decode(Cursor.self, from: Array($0.utf8)) }
            return ExportProducts(format: format, cursor: cursor)
        }
    }

    private static let maximumCursor = 100_000
}

struct Exports: Sendable {
    func products(_ items: [IncomingMessage<ExportProducts>], on connection: any SQLConnection) async throws -> [Outcome] {
        var outcomes: [Outcome] = []
        for item in items { outcomes.append(try await page(item.input, on: connection)) }
        return outcomes
    }

    private func page(_ export: ExportProducts, on connection: any SQLConnection) async throws -> Outcome {
        var attributes = export.cursor?.attributes ?? []
        if export.format == .csv, export.cursor == nil {
            attributes = try await ProductStore.attributeNames(limit: ExportProducts.maximumAttributes + 1, on: connection)
            guard attributes.count <= ExportProducts.maximumAttributes else {
                return .refused(.conflict("too-many-attributes", "The catalogue has more than \(ExportProducts.maximumAttributes) attributes, too many for columns: take application/x-ndjson."))
            }
        }
        let rows = try await ProductStore.page(after: export.cursor?.sku, limit: ExportProducts.pageSize, on: connection)
        let levels = try await StockStore.levels(rows.flatMap { [$0.view.sku] + $0.variants.map(\.sku) }, on: connection)
        var reply: Reply
        switch export.format {
        case .csv: reply = try csv(rows, levels, attributes, isFirst: export.cursor == nil)
        case .ndjson:
            reply = Reply(status: 200, headers: ["content-type": "application/x-ndjson"])
            for row in rows { reply.body += try JSON.encode(ExportedProduct(row, levels)) + [0x0A] }
        }
        if rows.count == ExportProducts.pageSize, let last = rows.last {
            let cursor = ExportProducts.Cursor(sku: last.view.sku, attributes: attributes)
            reply.headers[Reply.nextPage] = String(decoding: try JSON.encode(cursor), as: UTF8.self)
        }
        return .done(reply)
    }

    private static let columns = ["sku", "slug", "name", "description", "amount", "currency", "category", "categories", "brand", "stock", "images", "variants"]

    private func csv(_ rows: [ProductRow], _ levels: [String: Level], _ attributes: [String], isFirst: Bool) throws -> Reply {
        var text = CSVWriter()
        if isFirst { text.add(Self.columns + attributes.map { ProductCells.prefix + $0 }) }
        for row in rows {
            let view = row.view
            let variants = ExportedVariant.list(row, levels)
            text.add(
                [
                    view.sku, view.slug, view.name, view.description, "\(view.price.amount)", view.price.currency, view.category ?? "",
                    ProductCells.text(of: view.categories), view.brand ?? "", "\(levels[view.sku]?.onHand ?? 0)", ProductCells.text(of: view.images),
                    variants.isEmpty ? "" : String(decoding: try JSON.encode(variants), as: UTF8.self),
                ] + attributes.map { view.attributes[$0]?.text ?? "" })
        }
        return Reply(status: 200, headers: ["content-type": CSVWriter.contentType], body: text.bytes)
    }
}

/// A line of NDJSON: what an import of it needs to find nothing new.
private struct ExportedProduct: Encodable {
    let sku: String
    let slug: String
    let name: String
    let description: String
    let brand: String?
    let price: Money
    let categories: [String]
    let attributes: [String: Scalar]
    let images: [Image]
    let variants: [ExportedVariant]?
    let stock: Int

    init(_ row: ProductRow, _ levels: [String: Level]) {
        let view = row.view
        (sku, slug, name, description, brand) = (view.sku, view.slug, view.name, view.description, view.brand)
        (price, categories, attributes, images) = (view.price, view.categories, view.attributes, view.images)
        let variants = ExportedVariant.list(row, levels)
        self.variants = variants.isEmpty ? nil : variants
        stock = levels[view.sku]?.onHand ?? 0
    }
}

private struct ExportedVariant: Encodable {
    let sku: String
    let options: [String: String]
    /// Nil if the variant has the product's price.
    let price: Money?
    let stock: Int

    static func list(_ row: ProductRow, _ levels: [String: Level]) -> [ExportedVariant] {
        row.variants.map { $0.variant(currency: row.view.price.currency) }.map { variant in
            ExportedVariant(sku: variant.sku, options: variant.options, price: variant.price, stock: levels[variant.sku]?.onHand ?? 0)
        }
    }
}
