import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL

struct Products: Sendable {
    let clock: any WallClock
    let randomness: any Randomness

    func list(_ items: [Item<ListProducts>], on connection: any SQLConnection) async throws -> [Outcome] {
        var outcomes: [Outcome] = []
        for item in items {
            let rows = try await ProductStore.list(item.input, on: connection)
            let ages = Dictionary(rows.map { ($0.view.id, $0.createdAt) }, uniquingKeysWith: { first, _ in first })
            let page = try Page(rows.map(\.view), item.input.page) { product in
                switch item.input.sort {
                case .name, .nameDescending: [product.name, product.id.uuidString]
                case .price, .priceDescending: [String(product.price.amount), product.id.uuidString]
                case .newest: [String(ages[product.id]?.timeIntervalSince1970 ?? 0), product.id.uuidString]
                }
            }
            outcomes.append(.done(try Reply(json: page)))
        }
        return outcomes
    }

    func get(_ items: [Item<GetProduct>], on connection: any SQLConnection) async throws -> [Outcome] {
        let rows = try await ProductStore.find(Array(Set(items.map(\.input.key))), on: connection)
        var found: [String: ProductRow] = [:]
        for row in rows {
            found[row.view.slug] = row
            found[row.view.id.uuidString] = row
        }
        return try items.map { item in
            guard let row = found[item.input.key] ?? found[item.input.key.uppercased()] else {
                return .refused(.notFound("product"))
            }
            return .done(try Reply(headers: ["etag": row.etag], json: row.view))
        }
    }

    func price(_ items: [Item<PriceQuery>], on connection: any SQLConnection) async throws -> [Outcome] {
        let prices = try await ProductStore.prices(Array(Set(items.flatMap(\.input.skus))), on: connection)
        return try items.map { item in
            .done(try Reply(json: PriceList(items: item.input.skus.compactMap { prices[$0] })))
        }
    }

    func create(_ items: [Item<NewProduct>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let now = clock.now()
        let new = items.map { (id: randomness.uuid(), product: $0.input) }
        let inserted = try await ProductStore.insert(new, now: now, on: transaction)
        return try new.map { id, product in
            guard inserted.contains(id) else {
                return .refused(.conflict("product-exists", "The SKU '\(product.sku)' or the slug '\(product.slug)' is taken."))
            }
            let view = ProductView(
                id: id, sku: product.sku, slug: product.slug, name: product.name, description: product.description,
                price: product.price, category: product.category, attributes: product.attributes, images: product.images,
                available: 0, updatedAt: now)
            let headers = ["location": "/v1/products/\(id.uuidString.lowercased())", "etag": "\"1-0\""]
            return .done(try Reply(status: 201, headers: headers, json: view))
        }
    }

    func update(_ items: [Item<ProductChange>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await change(items, on: transaction) { change, now in
            if let slug = change.slug, try await ProductStore.isSlugTaken(slug, besides: change.id, on: transaction) {
                return .refused(.conflict("product-exists", "The slug '\(slug)' is taken."))
            }
            try await ProductStore.update(change, now: now, on: transaction)
            guard let row = try await ProductStore.lock(change.id, on: transaction) else {
                return .refused(.notFound("product"))
            }
            return .done(try Reply(headers: ["etag": row.etag], json: row.view))
        }
    }

    func archive(_ items: [Item<ProductChange>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await change(items, on: transaction) { change, now in
            try await ProductStore.archive(change.id, now: now, on: transaction)
            return .done(.noContent)
        }
    }

    /// Administrators change products one at a time and rarely: in the order of their ids, so that two batches cannot block each other for good.
    private func change(
        _ items: [Item<ProductChange>], on transaction: any SQLConnection,
        _ apply: (ProductChange, Date) async throws -> Outcome
    ) async throws -> [Outcome] {
        let now = clock.now()
        var outcomes = [Outcome](repeating: .refused(.notFound("product")), count: items.count)
        for index in items.indices.sorted(by: { items[$0].input.id < items[$1].input.id }) {
            let change = items[index].input
            guard let row = try await ProductStore.lock(change.id, on: transaction) else { continue }
            if change.ifMatch?.match(row.etag) == false {
                let problem = Problem(
                    "precondition-failed", title: "Precondition failed", status: 412,
                    detail: "The product has changed since it was read.")
                outcomes[index] = .refused(problem)
            } else {
                outcomes[index] = try await apply(change, now)
            }
        }
        return outcomes
    }
}
