import Contracts
import FoundationEssentials
import Input
import JSON
import Messaging
import PostgreSQL

/// Creates and changes categories; a parent comes before its children.
enum ImportCategories {
    private struct Imported {
        let name: String?
        /// Nil for a row that does not say; a null inside is the top.
        let parent: String??
    }

    static func take(_ rows: [KeyedRow], _ batch: inout ImportBatch, on transaction: any SQLConnection) async throws {
        if !batch.job.dryRun { try await ProductStore.lock(on: transaction) }
        var shelf = try await CategoryStore.all(on: transaction)
        for row in rows {
            guard let imported = read(row, &batch) else { continue }
            let old = shelf[row.key]
            if old == nil, shelf.bySlug.count >= Category.maximumCount {
                batch.reject(row, "would be more than \(Category.maximumCount) categories")
                continue
            }
            let new = Category(slug: row.key, name: imported.name ?? old?.name ?? row.key, parent: imported.parent ?? old?.parent)
            if let parent = new.parent {
                // In a dry run, one that a row before would have created is not there.
                guard shelf[parent] != nil || batch.job.dryRun else {
                    batch.reject(row, column: "parent", value: parent, "is no category")
                    continue
                }
                if parent == new.slug || old != nil && shelf.isInside(parent, new.slug) {
                    batch.reject(row, column: "parent", value: parent, "is the category itself, or inside it")
                    continue
                }
            }
            guard new != old else { continue }
            batch.changed += 1
            shelf[new.slug] = new
            guard !batch.job.dryRun else { continue }
            if old == nil { try await CategoryStore.insert(new, on: transaction) } else { try await CategoryStore.update(new, on: transaction) }
        }
    }

    private static func read(_ row: KeyedRow, _ batch: inout ImportBatch) -> Imported? {
        let object = row.cells.map { cells -> [String: JSONValue] in
            var object: [String: JSONValue] = ["slug": .string(row.key)]
            if let name = cells["name"], !name.isEmpty { object["name"] = .string(name) }
            if let parent = cells["parent"] { object["parent"] = parent.isEmpty ? .null : .string(parent) }
            return object
        }
        return batch.read(row, object) { fields in
            _ = fields.text("slug", 1...Category.maximumNameLength)
            return Imported(
                name: fields.optionalText("name", 1...Category.maximumNameLength),
                parent: fields.clears("parent") ? .some(nil) : fields.optionalText("parent", 1...Category.maximumNameLength).map(Optional.some))
        }
    }
}
