import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL

struct ItemHandlers: Sendable {
    typealias Prices = [String: PriceList.Entry]?

    let pricing: Pricing
    let clock: any WallClock

    func price(_ items: [(item: Item<PutItem>, plan: Void)]) async throws -> [Prices] {
        let prices = try await pricing.prices(of: Array(Set(items.map(\.item.input.sku))))
        return items.map { _ in prices }
    }

    func put(
        _ items: [(item: Item<PutItem>, plan: Void, result: Prices)], on transaction: any SQLConnection
    ) async throws -> [Outcome] {
        let prices = items.first?.result
        return try await change(items.map(\.item), on: transaction) { put, cart in
            guard let prices else { return .catalogAway }
            guard let product = prices[put.sku] else { return .invalidInput("sku", "there is no product with this SKU") }
            let line = OrderLine(sku: put.sku, name: product.name, quantity: put.quantity, unitPrice: product.price)
            if cart.lines.contains(where: { $0.sku != put.sku && $0.unitPrice.currency != product.price.currency }) { return .mixedCurrencies }
            if let place = cart.lines.firstIndex(where: { $0.sku == put.sku }) {
                cart.lines[place] = line
            } else if cart.lines.count < PutItem.maximumLines {
                cart.lines.append(line)
            } else {
                return .conflict("cart-full", "A cart holds at most \(PutItem.maximumLines) products.")
            }
            return nil
        }
    }

    func delete(_ items: [Item<PutItem>], on transaction: any SQLConnection) async throws -> [Outcome] {
        try await change(items, on: transaction) { put, cart in
            guard let place = cart.lines.firstIndex(where: { $0.sku == put.sku }) else { return .notFound("item in this cart") }
            cart.lines.remove(at: place)
            return nil
        }
    }

    /// Applies each change to its cart as the changes before it have left it, then writes the difference in one statement a kind.
    private func change(
        _ items: [Item<PutItem>], on transaction: any SQLConnection, _ apply: (PutItem, inout CartRow) -> Problem?
    ) async throws -> [Outcome] {
        let before = try await Store.lock(Array(Set(items.map(\.input.cart))), on: transaction)
        var carts = before
        var changed: Set<UUID> = []
        let problems: [Problem?] = items.map { item in
            guard var cart = carts[item.input.cart], cart.isOpen(to: item.request.caller) else { return .notFound("cart") }
            if cart.orderID != nil { return .cartOrdered }
            if item.input.ifMatch?.match(cart.etag) == false { return .preconditionFailed("cart") }
            if let problem = apply(item.input, &cart) { return problem }
            carts[cart.id] = cart
            changed.insert(cart.id)
            return nil
        }
        if !changed.isEmpty {
            try await write(changed.compactMap { carts[$0] }, before, on: transaction)
            carts = try await Store.find(Array(changed), on: transaction)
        }
        return try zip(items, problems).map { item, problem in
            if let problem { return .refused(problem) }
            guard let cart = carts[item.input.cart] else { return .refused(.notFound("cart")) }
            return .done(try Reply(headers: ["etag": cart.etag], json: cart.view))
        }
    }

    private func write(_ carts: [CartRow], _ before: [UUID: CartRow], on transaction: any SQLConnection) async throws {
        var put: [(cart: UUID, line: OrderLine)] = []
        var gone: [(cart: UUID, sku: String)] = []
        for cart in carts {
            let old = before[cart.id]?.lines ?? []
            put += cart.lines.filter { !old.contains($0) }.map { (cart.id, $0) }
            let kept = Set(cart.lines.map(\.sku))
            gone += old.filter { !kept.contains($0.sku) }.map { (cart.id, $0.sku) }
        }
        if !put.isEmpty { try await Store.put(put, on: transaction) }
        if !gone.isEmpty { try await Store.remove(gone, on: transaction) }
        try await Store.touch(carts.map(\.id), now: clock.now(), on: transaction)
    }
}
