import Contracts
import FoundationEssentials
import Input
import JSON
import Messaging
import PostgreSQL

/// Sets the prices of products and variants that are there.
enum ImportPrices {
    static func take(_ rows: [KeyedRow], _ batch: inout ImportBatch, on transaction: any SQLConnection) async throws {
        if !batch.job.dryRun { try await ProductStore.lock(on: transaction) }
        let known = try await ProductStore.find(skus: rows.map(\.key), on: transaction)
        let variants = try await VariantStore.prices(rows.map(\.key).filter { known[$0] == nil }, availability: false, on: transaction)
        let variantPrices = Dictionary(variants.map { ($0.sku, $0.price) }, uniquingKeysWith: { first, _ in first })
        var changed: [(id: UUID, new: ProductFields)] = []
        var variantChanges: [(sku: String, price: Int)] = []
        for row in rows {
            guard let old = known[row.key]?.view.price ?? variantPrices[row.key] else {
                batch.reject(row, column: "sku", value: row.key, "is no SKU of this shop")
                continue
            }
            guard let price = price(row, old, &batch), price != old else { continue }
            if let product = known[row.key] {
                do {
                    let change = ProductChange(id: product.view.id, price: .init(amount: price.amount, currency: price.currency))
                    changed.append((product.view.id, try ProductFields(product).merged(with: change)))
                } catch let problem as Problem {
                    batch.reject(row, problem)
                }
            } else if price.currency == old.currency {
                variantChanges.append((row.key, price.amount))
            } else {
                batch.reject(row, column: "currency", value: price.currency, "must be \(old.currency), as the product's")
            }
        }
        batch.changed += changed.count + variantChanges.count
        guard !batch.job.dryRun else { return }
        if !changed.isEmpty { try await ProductStore.update(changed, now: batch.now, on: transaction) }
        if !variantChanges.isEmpty { try await VariantStore.setPrices(variantChanges, on: transaction) }
    }

    private static func price(_ row: KeyedRow, _ old: Money, _ batch: inout ImportBatch) -> Money? {
        var object: [String: JSONValue] = [:]
        if let cells = row.cells {
            switch batch.price(row, cells, known: old.currency) {
            case .success(let price):
                object = ["sku": .string(row.key)]
                if let price { object["price"] = .object(["amount": .integer(price.amount), "currency": .string(price.currency)]) }
            case .failure(let problem):
                batch.reject(row, problem)
                return nil
            }
        }
        return batch.read(row, object) { fields in
            _ = fields.text("sku", 1...64)
            return fields.money("price")
        }
    }
}
