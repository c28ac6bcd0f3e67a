import Contracts
import FoundationEssentials
import JSON
import Messaging
import PostgreSQL

/// WooCommerce's variable products. Each variation is a row somewhere after that of its product, which it names by SKU or as `id:123`. The product itself has no
/// price, so a product that does not exist yet is created with the first of its variations.
enum WooProducts {
    static func isVariable(_ cells: [String: String]) -> Bool { types(cells).contains("variable") }

    private static func isVariation(_ cells: [String: String]) -> Bool { types(cells).contains("variation") }

    private static func types(_ cells: [String: String]) -> [String] {
        cells["woo.type"]?.split(separator: ",").map { String($0).trimmed } ?? []
    }

    private struct Parent {
        let sku: String
        let reference: String?
        let line: Int
        let cells: [String: String]
    }

    /// The same rows, with each product's variations as its parts, and without products that still wait for their variations.
    static func gather(_ rows: [KeyedRow], _ batch: inout ImportBatch, on transaction: any SQLConnection) async throws -> [KeyedRow] {
        guard batch.job.reader.layout?.origin == .woocommerce else { return rows }
        let parents = rows.filter { isVariable($0.cells ?? [:]) }
        let variations = rows.filter { isVariation($0.cells ?? [:]) }
        guard !parents.isEmpty || !variations.isEmpty else { return rows }
        let known = try await ProductStore.find(skus: parents.map(\.key) + variations.map(reference), on: transaction)
        try await insert(parents, known: Set(known.keys), batch.job.id, on: transaction)
        var found: [String: Parent] = [:]
        for parent in try await find(variations.map(reference), batch.job.id, on: transaction) {
            found[parent.sku] = parent
            if let reference = parent.reference { found[reference] = parent }
        }
        var parts: [String: (parent: Parent, rows: [KeyedRow])] = [:]
        for row in variations {
            let name = reference(row)
            let ofShop = known[name].map { Parent(sku: $0.view.sku, reference: nil, line: row.row.line, cells: [:]) }
            guard let parent = found[name] ?? ofShop else {
                batch.reject(row, column: "woo.parent", "is not a product of this shop or of an earlier row")
                continue
            }
            parts[parent.sku, default: (parent, [])].rows.append(row)
        }
        try await markUsed(Array(parts.keys), batch.job.id, on: transaction)
        func product(_ sku: String, _ line: Int, _ cells: [String: String], _ parts: [KeyedRow]) -> KeyedRow {
            KeyedRow(key: sku, row: ImportRow(line: line, content: .cells(cells.merging(["sku": sku]) { $1 })), parts: parts, keepsVariants: true)
        }
        let groups = parts.values.sorted { $0.parent.line < $1.parent.line }.map { product($0.sku, $0.line, $0.cells, $1) }
        let heads = parents.filter { known[$0.key] != nil && parts[$0.key] == nil }.map { product($0.key, $0.row.line, $0.cells ?? [:], []) }
        return rows.filter { !isVariable($0.cells ?? [:]) && !isVariation($0.cells ?? [:]) } + heads + groups
    }

    private static func reference(_ row: KeyedRow) -> String { row.cells?["woo.parent"] ?? "" }

    /// Products for which the file had no variation that could be accepted.
    static func unused(_ id: UUID, on transaction: any SQLConnection) async throws -> [Rejection] {
        try await transaction.query("SELECT line, sku FROM import_parents WHERE import_id = \(id) AND NOT used ORDER BY line").map { row in
            Rejection(line: try row.decode("line"), column: nil, value: try row.decode("sku"), "is a variable product without variations, and has no price of its own")
        }
    }

    private static func insert(_ parents: [KeyedRow], known: Set<String>, _ id: UUID, on transaction: any SQLConnection) async throws {
        guard !parents.isEmpty else { return }
        let references = parents.map { $0.cells?["woo.id"].map { "id:\($0)" } }
        let cells = try parents.map { String(decoding: try JSON.encode($0.cells ?? [:]), as: UTF8.self) }
        try await transaction.execute(
            """
            INSERT INTO import_parents (import_id, sku, reference, line, cells, used)
            SELECT \(id), sku, reference, line, cells::json, used
            FROM unnest(\(parents.map(\.key)), \(references), \(parents.map(\.row.line)), \(cells), \(parents.map { known.contains($0.key) }))
                AS new (sku, reference, line, cells, used)
            """)
    }

    private static func find(_ references: [String], _ id: UUID, on transaction: any SQLConnection) async throws -> [Parent] {
        try await transaction.query(
            """
            SELECT sku, reference, line, cells::text AS cells FROM import_parents
            WHERE import_id = \(id) AND (sku = ANY(\(references)) OR reference = ANY(\(references)))
            """
        ).map { row in
            Parent(
                sku: try row.decode("sku"), reference: try row.decode("reference"), line: try row.decode("line"),
                cells: try JSON.decode(from: Array(try row.decode("cells", as: String.self).utf8)))
        }
    }

    private static func markUsed(_ skus: [String], _ id: UUID, on transaction: any SQLConnection) async throws {
        guard !skus.isEmpty else { return }
        try await transaction.execute("UPDATE import_parents SET used = true WHERE import_id = \(id) AND sku = ANY(\(skus)) AND NOT used")
    }
}
