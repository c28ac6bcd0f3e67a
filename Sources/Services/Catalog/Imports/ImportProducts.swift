import Contracts
import FoundationEssentials
import Input
import JSON
import Messaging
import PostgreSQL
import Runtime

/// What one row says of a product.
struct ImportedProduct: Sendable, Equatable {
    let change: ProductChange
    let stock: Int?

    static func read(_ id: UUID, _ fields: inout Fields) -> ImportedProduct {
        _ = fields.text("sku", 1...64)
        return ImportedProduct(change: ProductChange(id, reading: &fields), stock: fields.optionalInteger("stock", 0...StockChange.maximumOnHand))
    }
}

/// Creates the products of new SKUs, and changes those that say something else.
struct ImportProducts: Sendable {
    let randomness: any Randomness

    private struct Plan {
        var new: [(row: KeyedRow, id: UUID, product: NewProduct)] = []
        var changed: [(row: KeyedRow, id: UUID, old: ProductFields, new: ProductFields)] = []
        var stock: [(row: KeyedRow, onHand: Int)] = []
    }

    func take(_ rows: [KeyedRow], _ batch: inout ImportBatch, on transaction: any SQLConnection) async throws {
        if !batch.job.dryRun { try await ProductStore.lock(on: transaction) }
        let known = try await ProductStore.find(skus: rows.map(\.key), on: transaction)
        let levels = try await StockStore.levels(rows.map(\.key), on: transaction)
        var plan = Plan()
        for row in rows { try consider(row, known[row.key], levels[row.key], &plan, &batch) }
        let slugs = try await settle(&plan, &batch, on: transaction)
        let touched = Set(plan.new.map(\.row.key) + plan.changed.map(\.row.key) + plan.stock.map(\.row.key))
        if !batch.job.dryRun {
            let new = plan.new.compactMap { new in slugs[new.id].map { (id: new.id, slug: $0, product: new.product) } }
            if !new.isEmpty { try await ProductStore.add(new, now: batch.now, on: transaction) }
            if !plan.changed.isEmpty { try await ProductStore.update(plan.changed.map { ($0.id, $0.new) }, now: batch.now, on: transaction) }
            for change in plan.changed where change.new.variants != change.old.variants {
                try await VariantStore.replace(change.new.variants, of: change.id, on: transaction)
            }
        }
        batch.changed += touched.count
        // Last, because orders wait while it is locked.
        batch.changed -= try await ImportStock.set(plan.stock.map { ($0.row, $0.row.key, $0.onHand) }, isNew: Set(plan.new.map(\.row.key)), &batch, on: transaction)
    }

    private func consider(_ row: KeyedRow, _ known: ProductRow?, _ level: Level?, _ plan: inout Plan, _ batch: inout ImportBatch) throws {
        var object: [String: JSONValue] = [:]
        if let cells = row.cells {
            switch batch.price(row, cells, known: known?.view.price.currency) {
            case .success(let price): object = ProductCells(cells: cells, known: known, price: price).object
            case .failure(let problem): return batch.reject(row, problem)
            }
        }
        let id = known?.view.id ?? randomness.uuid()
        let plain = row.cells == nil ? nil : ImportedProduct(id, plain: object)
        guard let imported = plain ?? batch.read(row, object, { ImportedProduct.read(id, &$0) }) else { return }
        do {
            if let known {
                let old = ProductFields(known)
                let new = try old.merged(with: imported.change)
                if new != old { plan.changed.append((row, id, old, new)) }
            } else {
                plan.new.append((row, id, try NewProduct(row.key, imported.change)))
            }
        } catch let problem as Problem {
            return batch.reject(row, problem)
        }
        if let stock = imported.stock, stock != level?.onHand ?? 0 { plan.stock.append((row, stock)) }
    }

    /// Takes out what others have; the slugs of those that are new.
    private func settle(_ plan: inout Plan, _ batch: inout ImportBatch, on transaction: any SQLConnection) async throws -> [UUID: String] {
        let wanted = plan.changed.flatMap { change in change.new.skus.filter { !change.old.skus.contains($0) } }
        let moved = plan.changed.filter { $0.new.slug != $0.old.slug }.map(\.new.slug)
        var taken = try await ProductStore.taken(
            skus: plan.new.flatMap(\.product.skus) + wanted, slugs: plan.new.flatMap { Products.slugs(of: $0.product, id: $0.id) } + moved, on: transaction)
        var slugs: [UUID: String] = [:]
        plan.new.removeAll { new in
            if let sku = new.product.skus.first(where: taken.skus.contains) {
                batch.reject(new.row, column: "sku", value: sku, "is another product's or variant's")
                return true
            }
            guard let slug = Products.slugs(of: new.product, id: new.id).first(where: { !taken.slugs.contains($0) }) else {
                batch.reject(new.row, column: "slug", value: new.product.slug, "is another product's")
                return true
            }
            taken.skus.formUnion(new.product.skus)
            taken.slugs.insert(slug)
            slugs[new.id] = slug
            return false
        }
        plan.changed.removeAll { change in
            let skus = change.new.skus.filter { !change.old.skus.contains($0) }
            if let sku = skus.first(where: taken.skus.contains) {
                batch.reject(change.row, column: "variants", value: sku, "is another product's SKU")
            } else if change.new.slug != change.old.slug, taken.slugs.contains(change.new.slug) {
                batch.reject(change.row, column: "slug", value: change.new.slug, "is another product's")
            } else {
                taken.skus.formUnion(skus)
                taken.slugs.insert(change.new.slug)
                return false
            }
            return true
        }
        let refused = Set(batch.rejections.map(\.line))
        plan.stock.removeAll { refused.contains($0.row.row.line) }
        return slugs
    }
}

extension NewProduct {
    /// A product of which nothing was there.
    fileprivate init(_ sku: String, _ change: ProductChange) throws(Problem) {
        var missing: [Problem.FieldError] = []
        if change.name == nil { missing.append(.init(field: "name", detail: "is required for a new product")) }
        if change.price?.amount == nil { missing.append(.init(field: "price", detail: "is required for a new product")) }
        if change.price != nil, change.price?.currency == nil { missing.append(.init(field: "price.currency", detail: "is required for a new product")) }
        guard missing.isEmpty else { throw Problem.invalidInput(missing) }
        let attributes: [String: Scalar] = (change.attributes ?? nil)?.compactMapValues(\.self) ?? [:]
        let new = NewProduct(
            sku: sku, slug: change.slug, name: change.name ?? "", description: change.description ?? "", brand: change.brand ?? nil,
            price: Money(amount: change.price?.amount ?? 0, currency: change.price?.currency ?? ""),
            categories: (change.categories ?? []).led(by: change.category ?? nil), attributes: attributes, images: change.images ?? [], variants: change.variants ?? [])
        if let flaw = new.price.flaw { throw Problem.invalidInput("price.\(flaw.field)", flaw.detail) }
        if let flaw = Variant.flaw(of: new.variants, sku: sku, currency: new.price.currency) { throw Problem.invalidInput("variants", flaw) }
        self = new
    }
}
