import Contracts
import FoundationEssentials
import Input
import JSON
import Messaging
import PostgreSQL
import Secrets

/// Sets what is on hand.
enum ImportStock {
    static func take(_ rows: [KeyedRow], _ batch: inout ImportBatch, on transaction: any SQLConnection) async throws {
        let levels = try await StockStore.levels(rows.map(\.key), on: transaction)
        for row in rows {
            let object = row.cells.map { cells -> [String: JSONValue] in
                let text = cells["stock"] ?? ""
                return ["sku": .string(row.key), "stock": text.isEmpty ? .null : Int(text).map { .integer($0) } ?? .string(text)]
            }
            let stock = batch.read(row, object) { fields in
                _ = fields.text("sku", 1...64)
                if fields.has("onHand") { return fields.integer("onHand", 0...StockChange.maximumOnHand) }
                return fields.integer("stock", 0...StockChange.maximumOnHand)
            }
            guard let stock else { continue }
            guard let level = levels[row.key] else {
                batch.reject(row, column: "sku", value: row.key, "is no SKU of this shop")
                continue
            }
            if stock != level.onHand { batch.stock.append((row, row.key, stock)) }
        }
        batch.changed += batch.stock.count
    }

    /// The statements that insert the first counts of SKUs that had no stock. The lock of products must be held, because stock is created only under this lock.
    struct Beginning: Sendable {
        let stock: SQL
        private let movements: SQL

        init(_ counts: [(sku: String, onHand: Int)], _ job: ImportJob) {
            stock = "INSERT INTO stock (sku, on_hand) SELECT sku, on_hand FROM unnest(\(counts.map(\.sku)), \(counts.map(\.onHand))) AS given (sku, on_hand)"
            let moved = counts.filter { $0.onHand > 0 }
            movements = """
                INSERT INTO stock_movements (sku, delta, kind, reason, by, at)
                SELECT sku, on_hand, \(MovementView.Kind.set.rawValue), \("import \(job.id.lowerCaseText)"), \(job.by), moment
                FROM unnest(\(moved.map(\.sku)), \(moved.map(\.onHand))) AS given (sku, on_hand)
                """
        }

        func movements(at now: Date) -> SQL { movements + " CROSS JOIN (SELECT \(now) AS moment) AS time" }
    }

    /// Sets the stock of the batch, and counts what cannot be set as unchanged.
    static func set(_ batch: inout ImportBatch, on transaction: any SQLConnection) async throws {
        guard !batch.stock.isEmpty else { return }
        let skus = batch.stock.map(\.sku)
        let levels = batch.job.dryRun ? try await StockStore.levels(skus, on: transaction) : try await StockStore.lock(skus, on: transaction)
        var changed: [String: Level] = [:]
        var movements: [Movement] = []
        for (row, sku, onHand) in batch.stock {
            guard var level = levels[sku] ?? (batch.newSKUs.contains(sku) ? Level(onHand: 0, reserved: 0) : nil) else { continue }
            guard onHand >= level.reserved else {
                batch.reject(row, column: "stock", value: "\(onHand)", "is below what is reserved for orders, which is \(level.reserved)")
                batch.changed -= 1
                continue
            }
            guard onHand != level.onHand else { continue }
            movements.append(Movement(sku: sku, delta: onHand - level.onHand, kind: .set, reason: "import \(batch.job.id.lowerCaseText)", by: batch.job.by))
            level.onHand = onHand
            level.revision += 1
            changed[sku] = level
        }
        guard !batch.job.dryRun, !changed.isEmpty else { return }
        batch.lows += try StockLow.messages(levels, changed)
        try await StockStore.save(levels: changed, reservations: [], now: batch.now, on: transaction)
        try await StockStore.addMovements(movements, now: batch.now, on: transaction)
    }
}
