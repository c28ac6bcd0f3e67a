import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Runtime
import Secrets

struct CartHandlers: Sendable {
    let pricing: Pricing
    let clock: any WallClock
    let randomness: any Randomness

    func get(_ items: [IncomingMessage<CartAccess>], _ database: any Database) async throws -> [Outcome] {
        let carts = try await database.withConnection { try await Store.find(items.map(\.input.id), on: $0) }
        let offers = try await offers(of: carts.values)
        return try items.map { try reply(carts[$0.input.id], offers, to: $0.request.caller) }
    }

    func current(_ items: [IncomingMessage<Void>], _ database: any Database) async throws -> [Outcome] {
        let (ids, carts) = try await database.withConnection { connection in
            let ids = try await Store.current(of: items.compactMap(\.request.caller?.id), on: connection)
            return (ids, try await Store.find(Array(ids.values), on: connection))
        }
        let offers = try await offers(of: carts.values)
        return try items.map { item in
            let caller = item.request.caller
            return try reply(caller.flatMap { ids[$0.id] }.flatMap { carts[$0] }, offers, to: caller)
        }
    }

    /// Offers for the contents of the callers' own carts.
    func offers(_ items: [IncomingMessage<Void>], _ database: any Database) async throws -> Offers? {
        try await offers(of: [], and: items.compactMap(\.request.caller?.id), database)
    }

    /// Offers for the contents of the named carts and of the callers' own.
    func offers(_ items: [IncomingMessage<CartAccess>], _ database: any Database) async throws -> Offers? {
        try await offers(of: items.map(\.input.id), and: items.compactMap(\.request.caller?.id), database)
    }

    private func offers(of carts: [UUID], and customers: [UUID], _ database: any Database) async throws -> Offers? {
        if carts.isEmpty, customers.isEmpty { return [:] }
        let skus = try await database.withConnection { connection in
            let current = try await Store.current(of: customers, on: connection)
            return try await Store.skus(in: carts + current.values, on: connection)
        }
        return try await pricing.prices(of: Array(skus), availability: true)
    }

    private func offers(of carts: some Collection<CartRow>) async throws -> Offers? {
        try await pricing.prices(of: Array(Set(carts.flatMap { $0.lines.map(\.sku) })), availability: true)
    }

    /// A guest gets a new cart; so does a customer, unless there is an open one already.
    func create(_ items: [IncomingMessage<Void>], _ offers: Offers?, on transaction: any SQLConnection) async throws -> [Outcome] {
        let now = clock.now()
        let wanted = items.map { (id: randomness.uuid(), customer: $0.request.caller?.id) }
        try await Store.lock(customers: wanted.compactMap(\.customer), now: now, on: transaction)
        try await Store.insert(wanted, now: now, on: transaction)
        let current = try await Store.current(of: wanted.compactMap(\.customer), on: transaction)
        let ids = wanted.map { cart in cart.customer.flatMap { current[$0] } ?? cart.id }
        let carts = try await Store.find(ids, on: transaction)
        return try zip(wanted, ids).map { wanted, id in
            guard let cart = carts[id] else { return .failed(Failure("cart-missing", "a new cart is missing", remedy: .retry)) }
            var reply = try cart.reply(offers)
            reply.status = id == wanted.id ? 201 : 200
            reply.headers["location"] = "/v1/carts/\(id.lowerCaseText)"
            return .done(reply)
        }
    }

    func delete(_ items: [IncomingMessage<CartAccess>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let carts = try await Store.lock(items.map(\.input.id), on: transaction)
        let now = clock.now()
        var gone: [UUID] = []
        let outcomes: [Outcome] = items.map { item in
            guard let cart = carts[item.input.id], cart.isThere(for: item.request.caller, at: now) else {
                return .refused(.notFound("cart"))
            }
            if cart.orderID != nil { return .refused(.cartOrdered) }
            if item.input.ifMatch?.match(version: cart.version) == false { return .refused(.preconditionFailed("cart")) }
            gone.append(cart.id)
            return .done(.noContent)
        }
        if !gone.isEmpty { try await Store.delete(gone, on: transaction) }
        return outcomes
    }

    /// A guest's cart becomes the customer's; if the customer has one already, its lines are merged into that one.
    func claim(_ items: [IncomingMessage<CartAccess>], _ offers: Offers?, on transaction: any SQLConnection) async throws -> [Outcome] {
        let customers = items.compactMap(\.request.caller?.id)
        try await Store.lock(customers: customers, now: clock.now(), on: transaction)
        // All at once and in one order, before any of them is read.
        let current = try await Store.current(of: customers, on: transaction)
        _ = try await Store.lock(items.map(\.input.id) + current.values, on: transaction)
        var outcomes: [Outcome] = []
        for item in items {
            outcomes.append(try await claim(item, offers, on: transaction))
        }
        return outcomes
    }

    private func claim(_ item: IncomingMessage<CartAccess>, _ offers: Offers?, on transaction: any SQLConnection) async throws -> Outcome {
        guard let caller = item.request.caller else { return .refused(.notFound("cart")) }
        let current = try await Store.current(of: [caller.id], on: transaction)[caller.id]
        let carts = try await Store.lock([item.input.id] + (current.map { [$0] } ?? []), on: transaction)
        guard let guest = carts[item.input.id], guest.isThere(for: caller, at: clock.now()) else { return .refused(.notFound("cart")) }
        if guest.orderID != nil { return .refused(.cartOrdered) }
        let target = current ?? guest.id
        var capped: [CartView.Capped] = []
        if let current, current != guest.id {
            let own = carts[current]?.lines ?? []
            let merged = guest.lines.map { line in
                let there = own.first { $0.sku == line.sku }?.quantity ?? 0
                let quantity = min(there + line.quantity, PutItem.maximumQuantity)
                if quantity < there + line.quantity { capped.append(.init(sku: line.sku, requested: there + line.quantity, quantity: quantity)) }
                return (cart: current, line: OrderLine(sku: line.sku, name: line.name, quantity: quantity, unitPrice: line.unitPrice))
            }
            if Set((own + guest.lines).map(\.unitPrice.currency)).count > 1 { return .refused(.mixedCurrencies) }
            if Set(own.map(\.sku)).union(merged.map(\.line.sku)).count > PutItem.maximumLines {
                return .refused(.conflict("cart-full", "Together the carts would hold more than \(PutItem.maximumLines) products."))
            }
            if !merged.isEmpty { try await Store.put(merged, on: transaction) }
            if var cart = carts[current] {
                cart.version += 1
                cart.expiresAt = Store.expiry(from: clock.now())
                try await Store.touch([cart], on: transaction)
            }
            try await Store.delete([guest.id], on: transaction)
        } else if guest.customerID == nil {
            try await Store.assign(guest.id, to: caller.id, on: transaction)
        }
        return try reply(try await Store.find([target], on: transaction)[target], offers, to: caller, capped: capped.isEmpty ? nil : capped)
    }

    private func reply(_ cart: CartRow?, _ offers: Offers?, to caller: Caller?, capped: [CartView.Capped]? = nil) throws -> Outcome {
        guard let cart, cart.isThere(for: caller, at: clock.now()) else { return .refused(.notFound("cart")) }
        return .done(try cart.reply(offers, capped: capped))
    }

    func dropExpired(on transaction: any SQLConnection) async throws -> [OutgoingMessage] {
        try await Store.deleteExpired(before: clock.now(), on: transaction)
        return []
    }
}
