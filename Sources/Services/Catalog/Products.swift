import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Runtime

struct Products: Sendable {
    let clock: any WallClock
    let randomness: any Randomness

    func list(_ items: [IncomingMessage<ListProducts>], on connection: any SQLConnection) async throws -> [Outcome] {
        var outcomes: [Outcome] = []
        for item in items {
            let list = item.input
            let result = try await ProductSearch(connection: connection).result(of: list)
            let rows = Dictionary(result.rows.map { ($0.view.id, $0) }, uniquingKeysWith: { first, _ in first })
            let page = try Page(result.rows.map(\.view), list.page) { product in
                rows[product.id].map { ProductCursor.after($0, sort: list.sort, mode: result.listing.mode) } ?? []
            }
            let items = page.items.map { product in
                var product = product
                product.highlight = result.listing.text.flatMap { Highlight(name: product.name, description: product.description, text: $0) }
                return product
            }
            outcomes.append(.done(try Reply(json: ProductPage(items: items, nextCursor: page.nextCursor, facets: result.facets))))
        }
        return outcomes
    }

    func get(_ items: [IncomingMessage<GetProduct>], on connection: any SQLConnection) async throws -> [Outcome] {
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

    func price(_ items: [IncomingMessage<PriceQuery>], on connection: any SQLConnection) async throws -> [Outcome] {
        let availability = items.contains { $0.input.availability == true }
        let prices = try await ProductStore.prices(Array(Set(items.flatMap(\.input.skus))), availability: availability, on: connection)
        return try items.map { item in
            .done(try Reply(json: PriceList(items: item.input.skus.compactMap { prices[$0] })))
        }
    }

    func create(_ items: [IncomingMessage<NewProduct>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await ProductStore.lock(on: transaction)
        let now = clock.now()
        let new = items.map { SlugChoice.Wish(randomness.uuid(), $0.input) }
        var taken = try await ProductStore.taken(skus: new.flatMap(\.product.skus), slugs: new.map(\.first), on: transaction)
        var choice = try await SlugChoice(among: new, taken: taken.slugs, on: transaction)
        let slugs: [Result<String, Problem>] = new.map { wish in
            if let sku = wish.product.skus.first(where: taken.skus.contains) { return .failure(.taken("SKU", sku)) }
            guard let slug = choice.slug(for: wish) else { return .failure(.taken("slug", wish.first)) }
            taken.skus.formUnion(wish.product.skus)
            return .success(slug)
        }
        let free = zip(new, slugs).compactMap { new, slug in (try? slug.get()).map { (id: new.id, slug: $0, product: new.product) } }
        let rows = free.isEmpty ? [:] : try await ProductStore.insert(free, now: now, on: transaction)
        return try zip(new, slugs).map { new, slug in
            if case .failure(let problem) = slug { return .refused(problem) }
            guard let row = rows[new.id] else { return .refused(.taken("SKU", new.product.sku)) }
            let headers = ["location": "/v1/products/\(new.id.uuidString.lowercased())", "etag": row.etag]
            return .done(try Reply(status: 201, headers: headers, json: row.view))
        }
    }

    func update(_ items: [IncomingMessage<ProductChange>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await ProductStore.lock(on: transaction)
        let now = clock.now()
        var outcomes: [Outcome] = []
        for item in items { outcomes.append(try await update(item.input, now: now, on: transaction)) }
        return outcomes
    }

    func archive(_ items: [IncomingMessage<ProductChange>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await update(items, on: transaction).map { outcome in
            if case .done(let reply?, _, _) = outcome, reply.status == 200 { .done(.noContent) } else { outcome }
        }
    }

    private func update(_ change: ProductChange, now: Date, on transaction: any SQLConnection) async throws -> Outcome {
        // An archived product can be restored, and does not exist for any other change.
        guard let row = try await ProductStore.find(change.id, on: transaction), row.view.archived != true || change.archived == false else {
            return .refused(.notFound("product"))
        }
        if change.ifMatch?.match(version: row.version) == false {
            return .refused(.changed("The product has"))
        }
        let old = ProductFields(row)
        var new: ProductFields
        do {
            new = try old.merged(with: change)
        } catch let problem as Problem {
            return .refused(problem)
        }
        if !new.archived, old.archived || new.slug != old.slug || new.variants != old.variants {
            // Its own SKUs are not conflicts.
            let own = old.archived ? [] : old.skus
            let skus = new.skus.filter { !own.contains($0) }
            // A restored product may need another slug; a requested slug that is taken is a conflict.
            let slugs = change.slug == nil ? GeneratedSlug.all(new.slug, sku: new.sku, change.id) : [new.slug]
            let taken = try await ProductStore.taken(skus: skus, slugs: old.archived || new.slug != old.slug ? slugs : [], on: transaction)
            if let sku = skus.first(where: taken.skus.contains) { return .refused(.taken("SKU", sku)) }
            guard let slug = slugs.first(where: { !taken.slugs.contains($0) }) else { return .refused(.taken("slug", new.slug)) }
            new.slug = slug
        }
        try await ProductStore.update([(change.id, new)], now: now, on: transaction)
        if new.variants != old.variants { try await VariantStore.replace(new.variants, of: change.id, on: transaction) }
        guard let row = try await ProductStore.find(change.id, on: transaction) else { return .refused(.notFound("product")) }
        return .done(try Reply(headers: ["etag": row.etag], json: row.view))
    }
}

extension Problem {
    static func changed(_ what: String) -> Problem {
        Problem("precondition-failed", title: "Precondition failed", status: 412, detail: "\(what) changed since it was read.")
    }

    fileprivate static func taken(_ what: String, _ value: String) -> Problem {
        .conflict("product-exists", "The \(what) '\(value)' belongs to another product.")
    }
}
