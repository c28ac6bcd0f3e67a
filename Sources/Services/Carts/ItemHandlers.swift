import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Runtime

struct ItemHandlers: Sendable {
    let pricing: Pricing
    let clock: any WallClock

    /// Offers for the contents of the carts and the items to be added.
    func offers(_ items: [IncomingMessage<PutItem>], _ database: any Database) async throws -> Offers? {
        let skus = try await database.withConnection { try await Store.skus(in: items.map(\.input.cart), on: $0) }
        return try await pricing.prices(of: Array(skus.union(items.map(\.input.sku))), availability: true)
    }

    func put(_ items: [IncomingMessage<PutItem>], _ offers: Offers?, on transaction: any SQLConnection) async throws -> [Outcome] {
        try await change(items, offers, on: transaction) { put, cart in
            guard let offers else { return .catalogAway }
            guard let product = offers[put.sku] else { return .invalidInput("sku", "there is no product with this SKU") }
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

    func delete(_ items: [IncomingMessage<PutItem>], _ offers: Offers?, on transaction: any SQLConnection) async throws -> [Outcome] {
        try await change(items, offers, on: transaction) { put, cart in
            guard let place = cart.lines.firstIndex(where: { $0.sku == put.sku }) else { return .notFound("item in this cart") }
            cart.lines.remove(at: place)
            return nil
        }
    }

    /// Applies each change to its cart as the previous changes have left it, then writes the difference in one statement per kind. Each answer shows
    /// the cart as its own change left it.
    private func change(
        _ items: [IncomingMessage<PutItem>], _ offers: Offers?, on transaction: any SQLConnection, _ apply: (PutItem, inout CartRow) -> Problem?
    ) async throws -> [Outcome] {
        let before = try await Store.lock(items.map(\.input.cart), on: transaction)
        let now = clock.now()
        let expiry = Store.expiry(from: now)
        var changed: [UUID: CartRow] = [:]
        let outcomes: [Outcome] = try items.map { item in
            guard var cart = changed[item.input.cart] ?? before[item.input.cart], cart.isThere(for: item.request.caller, at: now) else {
                return .refused(.notFound("cart"))
            }
            if cart.orderID != nil { return .refused(.cartOrdered) }
            if item.input.ifMatch?.match(version: cart.version) == false { return .refused(.preconditionFailed("cart")) }
            if let problem = apply(item.input, &cart) { return .refused(problem) }
            cart.lines.sort { $0.sku < $1.sku }
            cart.version += 1
            cart.expiresAt = expiry
            changed[cart.id] = cart
            return .done(try cart.reply(offers))
        }
        if !changed.isEmpty {
            try await write(changed.values.sorted { $0.id < $1.id }, before, on: transaction)
        }
        return outcomes
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
        try await Store.touch(carts, on: transaction)
    }
}
