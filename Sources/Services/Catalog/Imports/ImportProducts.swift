import Contracts
import FoundationEssentials
import Input
import JSON
import Messaging
import PostgreSQL
import Runtime

/// What one row says of a product.
struct ImportedProduct: Sendable, Equatable {
    private struct Counted: Codable {
        let sku: String
        let stock: Int?
    }

    let change: ProductChange
    let stock: Int?
    /// The stock of its variants, by SKU.
    var variantStock: [String: Int] = [:]

    static func read(_ id: UUID, _ fields: inout Fields) -> ImportedProduct {
        _ = fields.text("sku", 1...64)
        var product = ImportedProduct(change: ProductChange(id, reading: &fields, withStock: true), stock: fields.optionalInteger("stock", 0...StockChange.maximumOnHand))
        guard let variants = product.change.variants, !variants.isEmpty else { return product }
        let counted = fields.optionalJSON("variants", [Counted].self, named: "a list of variants, each {sku, options, price?, stock?}", maximumBytes: 65_536) ?? []
        for variant in counted {
            guard let stock = variant.stock else { continue }
            guard (0...StockChange.maximumOnHand).contains(stock) else {
                fields.note("variants", "must each have a stock from 0 to \(StockChange.maximumOnHand)")
                break
            }
            product.variantStock[variant.sku] = stock
        }
        return product
    }
}

/// A row for a product that does not exist yet. A class, like ``SlugChoice/Wish``, because thousands of rows are passed on together.
final class NewRow: Sendable {
    let wish: SlugChoice.Wish
    let imported: ImportedProduct

    init(wish: SlugChoice.Wish, imported: ImportedProduct) {
        (self.wish, self.imported) = (wish, imported)
    }
}

/// Creates the products of new SKUs, and changes those that say something else.
struct ImportProducts: Sendable {
    let randomness: any Randomness

    private struct Plan {
        var new: [(row: KeyedRow, wish: SlugChoice.Wish)] = []
        /// The slugs of `new`, once they have been chosen.
        var slugs: [String] = []
        var changed: [(row: KeyedRow, id: UUID, old: ProductFields, new: ProductFields)] = []
        /// The stock to be on hand; `row` is the row of the product, `part` that of the SKU.
        var stock: [(row: KeyedRow, part: KeyedRow, onHand: Int, sku: String)] = []

        /// Records the stock that the row gives.
        mutating func count(_ imported: ImportedProduct, _ row: KeyedRow) {
            if let onHand = imported.stock { stock.append((row, row, onHand, row.key)) }
            for (sku, onHand) in imported.variantStock.sorted(by: { $0.key < $1.key }) {
                stock.append((row, row.part(sku), onHand, sku))
            }
        }
    }

    /// - Parameter part: The rows as read ahead. Its new products are valid if the amounts before them are interpreted as it assumed.
    func take(_ rows: [KeyedRow], _ part: ImportPart, _ batch: inout ImportBatch, on transaction: any SQLConnection) async throws {
        if !batch.job.dryRun { try await ProductStore.lock(on: transaction) }
        let rows = try await WooProducts.gather(rows, &batch, on: transaction)
        let known = try await ProductStore.find(skus: rows.map(\.key), on: transaction)
        var plan = Plan()
        let isAsAssumed = part.before.amounts == batch.amounts
        if isAsAssumed { batch.amounts = part.amounts }
        for row in rows {
            if let known = known[row.key] {
                try consider(row, known, &plan, &batch)
            } else if let new = (isAsAssumed ? part.new[row.row.line] : nil) ?? new(row, &batch) {
                plan.new.append((row, new.wish))
                plan.count(new.imported, row)
            }
        }
        try await settle(&plan, &batch, on: transaction)
        batch.rejectParts(of: rows)
        let newSKUs = plan.new.flatMap(\.wish.product.skus)
        let isNew = Set(newSKUs)
        let levels = try await StockStore.levels(newSKUs + plan.stock.lazy.map(\.sku).filter { !isNew.contains($0) }, on: transaction)
        plan.stock.removeAll { $0.onHand == levels[$0.sku]?.onHand ?? 0 }
        let touched = Set((plan.changed.map(\.row) + plan.stock.map(\.part)).flatMap { $0.parts.isEmpty ? [$0.key] : $0.parts.map(\.key) }.filter { !isNew.contains($0) })
        if !batch.job.dryRun {
            let new = zip(plan.new, plan.slugs).map { new, slug in (id: new.wish.id, slug: slug, product: new.wish.product) }
            let counts = Dictionary(plan.stock.map { ($0.sku, $0.onHand) }, uniquingKeysWith: { first, _ in first })
            // A SKU that did not exist cannot have been reserved, so no order waits for these.
            try await add(new, stock: newSKUs.filter { levels[$0] == nil }.map { ($0, counts[$0] ?? 0) }, batch, on: transaction)
            plan.stock.removeAll { levels[$0.sku] == nil && isNew.contains($0.sku) }
            if !plan.changed.isEmpty { try await ProductStore.update(plan.changed.map { ($0.id, $0.new) }, now: batch.now, on: transaction) }
            for change in plan.changed where change.new.variants != change.old.variants {
                try await VariantStore.replace(change.new.variants, of: change.id, on: transaction)
            }
        }
        batch.changed += plan.new.reduce(0) { $0 + max(1, $1.row.parts.count) } + touched.count
        batch.stock = plan.stock.map { ($0.part, $0.sku, $0.onHand) }
        batch.newSKUs = isNew.union(plan.changed.flatMap(\.new.skus))
    }

    private func add(
        _ new: [(id: UUID, slug: String, product: NewProduct)], stock: [(sku: String, onHand: Int)], _ batch: ImportBatch, on transaction: any SQLConnection
    ) async throws {
        // While the database works on the stock, the products are encoded. Variants come after it, because they begin with stock of their own.
        async let insertion = ProductInsertion(of: new.map { ($0.id, $0.product) })
        if !stock.isEmpty {
            let beginning = ImportStock.Beginning(stock, batch.job)
            _ = try await transaction.pipeline([beginning.stock, beginning.movements(at: batch.now)])
        }
        guard !new.isEmpty else { return }
        // No SKU or slug is taken: they were looked up under the lock of products, which is still held. `ON CONFLICT` would look them up again.
        try await transaction.execute(try await insertion.statement(slugs: new.map(\.slug), now: batch.now))
        try await VariantStore.insert(new.map { ($0.id, $0.product.variants) }, on: transaction)
    }

    /// Returns nil, and rejects the row, if it is not a product.
    func new(_ row: KeyedRow, _ batch: inout ImportBatch) -> NewRow? {
        let id = randomness.uuid()
        guard let imported = imported(row, nil, id, &batch) else { return nil }
        do {
            return NewRow(wish: SlugChoice.Wish(id, try NewProduct(row.key, imported.change)), imported: imported)
        } catch {
            batch.reject(row, error)
            return nil
        }
    }

    private func consider(_ row: KeyedRow, _ known: ProductRow, _ plan: inout Plan, _ batch: inout ImportBatch) throws {
        guard let imported = imported(row, known, known.view.id, &batch) else { return }
        do {
            let old = ProductFields(known)
            let new = try old.merged(with: imported.change)
            if new != old { plan.changed.append((row, known.view.id, old, new)) }
        } catch let problem as Problem {
            return batch.reject(row, problem)
        }
        plan.count(imported, row)
    }

    private func imported(_ row: KeyedRow, _ known: ProductRow?, _ id: UUID, _ batch: inout ImportBatch) -> ImportedProduct? {
        guard let cells = row.cells else { return batch.read(row, nil) { ImportedProduct.read(id, &$0) } }
        let object = row.parts.isEmpty ? batch.product(row, cells, known) : batch.productWithVariants(row, cells, known)
        guard let object else { return nil }
        return ImportedProduct(id, plain: object) ?? batch.read(row, object) { ImportedProduct.read(id, &$0) }
    }

    /// Takes out what conflicts with other products, and chooses the slugs of new products.
    private func settle(_ plan: inout Plan, _ batch: inout ImportBatch, on transaction: any SQLConnection) async throws {
        let wanted = plan.changed.flatMap { change in change.new.skus.filter { !change.old.skus.contains($0) } }
        let moved = plan.changed.filter { $0.new.slug != $0.old.slug }.map(\.new.slug)
        let wishes = plan.new.map(\.wish)
        let variants = wishes.flatMap { $0.product.variants.map(\.sku) }
        var taken = try await ProductStore.taken(skus: variants + wanted, variants: wishes.map(\.product.sku), slugs: wishes.map(\.first) + moved, on: transaction)
        var choice = try await SlugChoice(among: wishes, taken: taken.slugs, on: transaction)
        // The SKUs of products are keys of the file, so two rows have the same SKU only if it is a variant's in one of them.
        let mayClash = !taken.skus.isEmpty || !variants.isEmpty || !wanted.isEmpty
        var new: [(row: KeyedRow, wish: SlugChoice.Wish)] = []
        new.reserveCapacity(wishes.count)
        plan.slugs.reserveCapacity(wishes.count)
        for (row, wish) in plan.new {
            let product = wish.product
            if mayClash, let sku = product.skus.first(where: taken.skus.contains) {
                batch.reject(row.part(sku), column: "sku", value: sku, "is another product's or variant's")
            } else if let slug = choice.slug(for: wish) {
                if mayClash { taken.skus.formUnion(product.skus) }
                new.append((row, wish))
                plan.slugs.append(slug)
            } else {
                batch.reject(row, column: "slug", value: product.slug, "is another product's")
            }
        }
        plan.new = new
        plan.changed.removeAll { change in
            let skus = change.new.skus.filter { !change.old.skus.contains($0) }
            if let sku = skus.first(where: taken.skus.contains) {
                batch.reject(change.row.part(sku), column: change.row.parts.isEmpty ? "variants" : "sku", value: sku, "is another product's SKU")
            } else if change.new.slug != change.old.slug, choice.taken.contains(change.new.slug) {
                batch.reject(change.row, column: "slug", value: change.new.slug, "is another product's")
            } else {
                taken.skus.formUnion(skus)
                choice.take(change.new.slug)
                return false
            }
            return true
        }
        let refused = Set(batch.rejections.map(\.line))
        if !refused.isEmpty { plan.stock.removeAll { stock in stock.row.row.lines.contains(where: refused.contains) } }
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
