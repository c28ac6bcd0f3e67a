import Contracts
import FoundationEssentials
import Input
import JSON
import Messaging
import PostgreSQL

/// Creates and changes categories, whatever their order in the file. Rows that must wait for later ones are stored with the import, and are rejected at its end if they
/// still cannot be placed.
enum ImportCategories {
    /// Rows beyond this number are rejected instead of waiting: a shop cannot have more categories.
    static let maximumWaiting = Category.maximumCount

    typealias Row = CategoryPlacement.Row

    /// What is stored of a row that an earlier step has read.
    private struct Kept: Codable {
        var name: String?
    }

    static func take(_ rows: [KeyedRow], _ batch: inout ImportBatch, on transaction: any SQLConnection) async throws {
        if !batch.job.dryRun { try await ProductStore.lock(on: transaction) }
        var shelf = try await CategoryStore.all(on: transaction)
        let kept = try await kept(&shelf, batch.job, on: transaction)
        let new = rows.compactMap { row in read(row, &batch) }
        let placement = CategoryPlacement(kept + new, on: shelf)
        let changes = placement.placed.filter { $0.new != $0.old }
        batch.changed += changes.count
        if !batch.job.dryRun {
            for (_, new, old) in changes {
                if old == nil { try await CategoryStore.insert(new, on: transaction) } else { try await CategoryStore.update(new, on: transaction) }
            }
        }
        for (row, obstacle) in placement.waiting.dropFirst(maximumWaiting) { batch.rejections.append(rejection(of: row, obstacle, batch)) }
        let isKept = Set(kept.map(\.slug))
        // A dry run changes no categories, so it also stores the rows that it would have applied.
        let placed = placement.placed.filter { batch.job.dryRun || isKept.contains($0.row.slug) }
        try await keep(placed.map { Row(line: $0.row.line, $0.new) }, isPlaced: true, batch.job, on: transaction)
        try await keep(placement.waiting.prefix(maximumWaiting).map(\.row).filter { !isKept.contains($0.slug) }, isPlaced: false, batch.job, on: transaction)
    }

    /// Called at the end of the file: rejects the rows that still cannot be placed.
    static func finish(_ batch: inout ImportBatch, on transaction: any SQLConnection) async throws -> [Rejection] {
        try await take([], &batch, on: transaction)
        var shelf = try await CategoryStore.all(on: transaction)
        return CategoryPlacement(try await kept(&shelf, batch.job, on: transaction), on: shelf).waiting.map { rejection(of: $0.row, $0.obstacle, batch) }
    }

    private static func rejection(of row: Row, _ obstacle: CategoryPlacement.Obstacle, _ batch: ImportBatch) -> Rejection {
        obstacle == .full
            ? Rejection(line: row.line, column: batch.name(of: "slug"), value: row.slug, obstacle.reason)
            : Rejection(line: row.line, column: batch.name(of: "parent"), value: row.parent.flatMap(\.self), obstacle.reason)
    }

    // MARK: - Rows of earlier steps

    /// Returns the rows that wait, and puts those that a dry run has placed on the shelf.
    private static func kept(_ shelf: inout CategoryShelf, _ job: ImportJob, on transaction: any SQLConnection) async throws -> [Row] {
        var waiting: [Row] = []
        for row in try await transaction.query(
            "SELECT sku, reference, line, cells::text AS cells, used FROM import_parents WHERE import_id = \(job.id) ORDER BY line")
        {
            let kept: Kept = try JSON.decode(from: Array(try row.decode("cells", as: String.self).utf8))
            let parent: String? = try row.decode("reference")
            let read = Row(line: try row.decode("line"), slug: try row.decode("sku"), name: kept.name, parent: .some(parent))
            if try !row.decode("used") {
                waiting.append(read)
            } else if job.dryRun {
                shelf[read.slug] = read.category(over: shelf[read.slug])
            }
        }
        return waiting
    }

    /// Stores the rows in the table of products that wait for their variants, which imports of categories do not need otherwise.
    private static func keep(_ rows: [Row], isPlaced: Bool, _ job: ImportJob, on transaction: any SQLConnection) async throws {
        guard !rows.isEmpty else { return }
        let cells = try rows.map { String(decoding: try JSON.encode(Kept(name: $0.name)), as: UTF8.self) }
        try await transaction.execute(
            """
            INSERT INTO import_parents (import_id, sku, reference, line, cells, used)
            SELECT \(job.id), sku, reference, line, cells::json, \(isPlaced)
            FROM unnest(\(rows.map(\.slug)), \(rows.map { $0.parent.flatMap(\.self) }), \(rows.map(\.line)), \(cells)) AS new (sku, reference, line, cells)
            ON CONFLICT (import_id, sku) DO UPDATE SET used = excluded.used, reference = excluded.reference, cells = excluded.cells
            """)
    }

    private static func read(_ row: KeyedRow, _ batch: inout ImportBatch) -> Row? {
        let object = row.cells.map { cells -> [String: JSONValue] in
            var object: [String: JSONValue] = ["slug": .string(row.key)]
            if let name = cells["name"], !name.isEmpty { object["name"] = .string(name) }
            if let parent = cells["parent"] { object["parent"] = parent.isEmpty ? .null : .string(parent) }
            return object
        }
        return batch.read(row, object) { fields in
            _ = fields.text("slug", 1...Category.maximumNameLength)
            return Row(
                line: row.row.line, slug: row.key, name: fields.optionalText("name", 1...Category.maximumNameLength),
                parent: fields.clears("parent") ? .some(nil) : fields.optionalText("parent", 1...Category.maximumNameLength).map(Optional.some))
        }
    }
}
