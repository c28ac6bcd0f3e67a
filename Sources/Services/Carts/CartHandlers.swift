import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Secrets

struct CartHandlers: Sendable {
    let clock: any WallClock
    let randomness: any Randomness

    func get(_ items: [Item<CartAccess>], on connection: any SQLConnection) async throws -> [Outcome] {
        let carts = try await Store.find(items.map(\.input.id), on: connection)
        return try items.map { try reply(carts[$0.input.id], to: $0.request.caller) }
    }

    func current(_ items: [Item<Void>], on connection: any SQLConnection) async throws -> [Outcome] {
        let ids = try await Store.current(of: items.compactMap(\.request.caller?.id), on: connection)
        let carts = try await Store.find(Array(ids.values), on: connection)
        return try items.map { item in
            let caller = item.request.caller
            return try reply(caller.flatMap { ids[$0.id] }.flatMap { carts[$0] }, to: caller)
        }
    }

    /// A guest gets a new cart; a customer too, unless there is an open one already.
    func create(_ items: [Item<Void>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let now = clock.now()
        let wanted = items.map { (id: randomness.uuid(), customer: $0.request.caller?.id) }
        try await Store.lock(customers: wanted.compactMap(\.customer), on: transaction)
        try await Store.insert(wanted, now: now, on: transaction)
        let current = try await Store.current(of: wanted.compactMap(\.customer), on: transaction)
        let ids = wanted.map { cart in cart.customer.flatMap { current[$0] } ?? cart.id }
        let carts = try await Store.find(ids, on: transaction)
        return try zip(wanted, ids).map { wanted, id in
            guard let cart = carts[id] else { return .failed(Failure("cart-missing", "a new cart is not there", remedy: .retry)) }
            let headers = ["location": "/v1/carts/\(id.lowerCaseText)", "etag": cart.etag]
            return .done(try Reply(status: id == wanted.id ? 201 : 200, headers: headers, json: cart.view))
        }
    }

    func delete(_ items: [Item<CartAccess>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let carts = try await Store.lock(items.map(\.input.id), on: transaction)
        var gone: [UUID] = []
        let outcomes: [Outcome] = items.map { item in
            guard let cart = carts[item.input.id], cart.isOpen(to: item.request.caller) else {
                return .refused(.notFound("cart"))
            }
            if cart.orderID != nil { return .refused(.cartOrdered) }
            if item.input.ifMatch?.match(cart.etag) == false { return .refused(.preconditionFailed("cart")) }
            gone.append(cart.id)
            return .done(.noContent)
        }
        if !gone.isEmpty { try await Store.delete(gone, on: transaction) }
        return outcomes
    }

    /// A guest's cart becomes the customer's; where the customer has one already, its lines join that one.
    func claim(_ items: [Item<CartAccess>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let customers = items.compactMap(\.request.caller?.id)
        try await Store.lock(customers: customers, on: transaction)
        // All at once and in one order, before any is looked at.
        let current = try await Store.current(of: customers, on: transaction)
        _ = try await Store.lock(items.map(\.input.id) + current.values, on: transaction)
        var outcomes: [Outcome] = []
        for item in items {
            outcomes.append(try await claim(item, on: transaction))
        }
        return outcomes
    }

    private func claim(_ item: Item<CartAccess>, on transaction: any SQLConnection) async throws -> Outcome {
        guard let caller = item.request.caller else { return .refused(.notFound("cart")) }
        let current = try await Store.current(of: [caller.id], on: transaction)[caller.id]
        let carts = try await Store.lock([item.input.id] + (current.map { [$0] } ?? []), on: transaction)
        guard let guest = carts[item.input.id], guest.isOpen(to: caller) else { return .refused(.notFound("cart")) }
        if guest.orderID != nil { return .refused(.cartOrdered) }
        let target = current ?? guest.id
        if let current, current != guest.id {
            let own = carts[current]?.lines ?? []
            let merged = guest.lines.map { line in
                let there = own.first { $0.sku == line.sku }?.quantity ?? 0
                let quantity = min(there + line.quantity, PutItem.maximumQuantity)
                return (cart: current, line: OrderLine(sku: line.sku, name: line.name, quantity: quantity, unitPrice: line.unitPrice))
            }
            if Set((own + guest.lines).map(\.unitPrice.currency)).count > 1 { return .refused(.mixedCurrencies) }
            if Set(own.map(\.sku)).union(merged.map(\.line.sku)).count > PutItem.maximumLines {
                return .refused(.conflict("cart-full", "Together the carts would hold more than \(PutItem.maximumLines) products."))
            }
            if !merged.isEmpty { try await Store.put(merged, on: transaction) }
            if var cart = carts[current] {
                cart.version += 1
                cart.expiresAt = clock.now().addingTimeInterval(Store.lifetime)
                try await Store.touch([cart], on: transaction)
            }
            try await Store.delete([guest.id], on: transaction)
        } else if guest.customerID == nil {
            try await Store.assign(guest.id, to: caller.id, on: transaction)
        }
        return try reply(try await Store.find([target], on: transaction)[target], to: caller)
    }

    private func reply(_ cart: CartRow?, to caller: Caller?) throws -> Outcome {
        guard let cart, cart.isOpen(to: caller) else { return .refused(.notFound("cart")) }
        return .done(try Reply(headers: ["etag": cart.etag], json: cart.view))
    }

    func dropExpired(on transaction: any SQLConnection) async throws -> [Emission] {
        try await Store.deleteExpired(before: clock.now(), on: transaction)
        return []
    }
}
