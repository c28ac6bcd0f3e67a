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
        var wanted: [(row: KeyedRow, sku: String, onHand: Int)] = []
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
            if stock != level.onHand { wanted.append((row, row.key, stock)) }
        }
        batch.changed += wanted.count
        batch.changed -= try await set(wanted, isNew: [], &batch, on: transaction)
    }

    /// Inserts the first counts of SKUs that had no stock. The lock of products must be held, because stock is created only under this lock.
    static func begin(_ counts: [(sku: String, onHand: Int)], _ batch: ImportBatch, on transaction: any SQLConnection) async throws {
        guard !counts.isEmpty else { return }
        try await transaction.execute(
            """
            WITH new AS (
                INSERT INTO stock (sku, on_hand) SELECT sku, on_hand FROM unnest(\(counts.map(\.sku)), \(counts.map(\.onHand))) AS given (sku, on_hand)
                RETURNING sku, on_hand)
            INSERT INTO stock_movements (sku, delta, kind, reason, by, at)
            SELECT sku, on_hand, \(MovementView.Kind.set.rawValue), \("import \(batch.job.id.lowerCaseText)"), \(batch.job.by), \(batch.now) FROM new WHERE on_hand > 0
            """)
    }

    /// Sets the levels of `wanted`, which differ from what is there. Returns how many could not be set.
    static func set(
        _ wanted: [(row: KeyedRow, sku: String, onHand: Int)], isNew: Set<String>, _ batch: inout ImportBatch, on transaction: any SQLConnection
    ) async throws -> Int {
        guard !wanted.isEmpty else { return 0 }
        let skus = wanted.map(\.sku)
        let levels = batch.job.dryRun ? try await StockStore.levels(skus, on: transaction) : try await StockStore.lock(skus, on: transaction)
        var changed: [String: Level] = [:]
        var movements: [Movement] = []
        var refused = 0
        for (row, sku, onHand) in wanted {
            guard var level = levels[sku] ?? (isNew.contains(sku) ? Level(onHand: 0, reserved: 0) : nil) else { continue }
            guard onHand >= level.reserved else {
                batch.reject(row, column: "stock", value: "\(onHand)", "is below what is reserved for orders, which is \(level.reserved)")
                refused += 1
                continue
            }
            guard onHand != level.onHand else { continue }
            movements.append(Movement(sku: sku, delta: onHand - level.onHand, kind: .set, reason: "import \(batch.job.id.lowerCaseText)", by: batch.job.by))
            level.onHand = onHand
            level.revision += 1
            changed[sku] = level
        }
        guard !batch.job.dryRun, !changed.isEmpty else { return refused }
        batch.lows += try StockLow.messages(levels, changed)
        try await StockStore.save(levels: changed, reservations: [], now: batch.now, on: transaction)
        try await StockStore.addMovements(movements, now: batch.now, on: transaction)
        return refused
    }
}
