import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// `carts.checkouts.create`: prices are fetched, the cart is closed, and its contents become an order.
struct CheckoutHandlers: Sendable {
    let pricing: Pricing
    let methods: SavedMethods
    let clock: any WallClock
    /// The gateways that customers may pay with.
    let gateways: Set<GatewayName>

    struct Found: Sendable {
        /// What was in the carts when prices were asked for.
        let skus: Set<String>
        /// Nil when the catalog does not answer.
        let offers: Offers?
        /// The saved payment methods that checkouts name; nil when payments does not answer.
        let methods: [SavedMethodQuery.Reference: SavedMethodList.Entry]?
    }

    func prices(_ items: [IncomingMessage<StartCheckout>], _ database: any Database) async throws -> Found {
        let skus = try await database.withConnection { try await Store.skus(in: items.map(\.input.cart), on: $0) }
        async let methods = methods.find(items.compactMap { $0.input.payment.saved(by: $0.request.caller) })
        return Found(skus: skus, offers: try await pricing.prices(of: Array(skus)), methods: try await methods)
    }

    func order(_ items: [IncomingMessage<StartCheckout>], _ found: Found, on transaction: any SQLConnection) async throws -> [Outcome] {
        var carts = try await Store.lock(items.map(\.input.cart), on: transaction)
        let now = clock.now()
        var closed: [(id: UUID, order: UUID)] = []
        let outcomes: [Outcome] = try items.map { item in
            let checkout = item.input
            guard let cart = carts[checkout.cart], cart.isThere(for: item.request.caller, at: now) else {
                return .refused(.noCart)
            }
            if cart.orderID != nil { return .refused(.cartOrdered) }
            guard let offers = found.offers else { return .refused(.catalogAway) }
            switch Self.quote(cart, offers, priced: found.skus, expected: checkout.expectedTotal) {
            case .failure(let problem):
                return .refused(problem)
            case .success(let (lines, total)):
                if let problem = problem(with: checkout.payment.gateway, total) { return .refused(problem) }
                guard found.methods != nil || checkout.payment.saved(by: item.request.caller) == nil else { return .refused(.methodsAway) }
                guard let payment = checkout.payment.resolved(for: item.request.caller, found.methods ?? [:]) else { return .refused(.noMethod) }
                var order = PlaceOrder(
                    orderID: UUID.v8(at: now, namespace: item.request.id, name: "order"), cartID: cart.id,
                    customerID: item.request.caller?.id, email: checkout.email,
                    shippingAddress: checkout.shippingAddress, payment: payment, lines: lines, total: total)
                order.locale = checkout.locale
                closed.append((cart.id, order.orderID))
                carts[cart.id] = cart.closed(by: order.orderID)
                return .done(emit: [try OutgoingMessage(.request(MessageName.place), order, forwardsRequester: true)])
            }
        }
        if !closed.isEmpty { try await Store.close(closed, on: transaction) }
        return outcomes
    }

    /// The refusal of a gateway that cannot be used; nil if it can.
    func problem(with gateway: GatewayName, _ total: Money) -> Problem? {
        guard gateways.contains(gateway) else {
            let others = gateways.map(\.rawValue).sorted().joined(separator: ", ")
            return .invalidInput("payment.gateway", "\(gateway.rawValue) is not set up in this shop; accepted: \(others)")
        }
        // An order that costs nothing is not charged at all.
        if total.amount > 0, gateway == .stripe, let minimum = StripeCurrency(total.currency)?.minimum, total.amount < minimum {
            let least = Money(amount: minimum, currency: total.currency)
            return .invalidInput("cartId", "the cart's total is below \(least.text), the smallest amount that Stripe charges")
        }
        guard total.amount > 0, let flaw = total.flaw(at: gateway) else { return nil }
        return .invalidInput("payment.gateway", "cannot charge \(total.text): the \(flaw.field) \(flaw.detail)")
    }

    /// The cart at these prices, or why it cannot be ordered.
    static func quote(
        _ cart: CartRow, _ prices: Offers, priced: Set<String>, expected: Money?
    ) -> Result<(lines: [OrderLine], total: Money), Problem> {
        if cart.lines.isEmpty { return .failure(.invalidInput("cartId", "the cart is empty")) }
        // An item was added while prices were being fetched.
        if !priced.isSuperset(of: cart.lines.map(\.sku)) { return .failure(.unavailable("The cart is changing at the moment.")) }
        if let gone = cart.lines.first(where: { prices[$0.sku] == nil }) {
            return .failure(.conflict("product-unavailable", "'\(gone.name)' (\(gone.sku)) is no longer for sale."))
        }
        let lines = cart.lines.compactMap { line in
            prices[line.sku].map { OrderLine(sku: line.sku, name: $0.name, quantity: line.quantity, unitPrice: $0.price, slug: $0.slug, image: $0.image) }
        }
        let currency = lines[0].unitPrice.currency
        if lines.contains(where: { $0.unitPrice.currency != currency }) {
            return .failure(.mixedCurrencies)
        }
        let total = Money(amount: lines.reduce(0) { $0 + $1.lineTotal.amount }, currency: currency)
        if total.amount > Money.maximumAmount {
            return .failure(.invalidInput("cartId", "the cart's total is above \(Money.maximumAmount)"))
        }
        if let flaw = total.flaw { return .failure(.invalidInput("cartId", "the cart's total cannot be charged: \(flaw.field) \(flaw.detail)")) }
        if let expected, expected != total {
            let detail = "The total is \(total.text), not \(expected.text)."
            return .failure(.conflict("total-differs", detail))
        }
        return .success((lines, total))
    }
}

extension Problem {
    /// The field is named although the status is not 422: another customer's cart is 404 here as it is everywhere.
    fileprivate static let noCart: Problem = {
        var problem = Problem.notFound("cart")
        problem.errors = [.init(field: "cartId", detail: "there is no such cart")]
        return problem
    }()
}

extension CartRow {
    fileprivate func closed(by order: UUID) -> CartRow {
        CartRow(id: id, customerID: customerID, orderID: order, version: version, expiresAt: expiresAt, lines: lines)
    }
}
