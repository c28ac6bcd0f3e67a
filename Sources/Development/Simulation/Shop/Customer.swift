import Contracts
import FoundationEssentials
import JSON
import Messaging

/// A customer who fills a cart and orders it, as a storefront does on their behalf: with a key for each click, and again with the same key when no answer came.
struct Customer: Sendable {
    enum Card: String, CaseIterable {
        case good = "pm_card_visa"
        case declined = "pm_card_chargeDeclined"
        case asking = "pm_card_authenticationRequired"
        /// No card: the customer pays on PayPal's pages.
        case payPal

        var payment: String {
            self == .payPal ? #"{"gateway":"paypal"}"# : #"{"gateway":"stripe","paymentMethod":"\#(rawValue)"}"#
        }
    }

    /// The payment methods of customers. In some shops nearly all customers use PayPal.
    static let usualCards: [Card] = [.good, .good, .good, .declined, .asking, .asking, .payPal, .payPal]
    static let payPalCards: [Card] = [.good, .payPal, .payPal, .payPal, .payPal]
    static let payPalShops = 0.35

    /// What the customer does about a request to authenticate.
    enum Behaviour: CaseIterable {
        case authenticates, fails, failsThenPays, leaves
    }

    static let attempts = 25
    static let looks = 12
    static let timeout: Duration = .seconds(10)
    /// For how many seconds some wait for their order to settle.
    static let wait = 10.0

    let number: Int
    let shop: Shop
    let ledger: CustomerLedger
    let chance: Chance

    private struct Answer: Decodable {
        struct Order: Decodable {
            let id: UUID
            let state: String
        }

        let order: Order
        let token: String?
    }

    private struct Cart: Decodable {
        let id: UUID
    }

    func run() async throws {
        try await shop.clock.sleep(for: chance.duration(milliseconds: 0...40_000))
        guard let created = try await ask("carts.carts.create", key: "create"), created.status == 201,
            let cart: Cart = try? JSON.decode(from: created.body)
        else { return }
        for line in 0..<(1 + chance.below(3)) {
            let sku = chance.pick(Stockroom.skus)
            _ = try await ask(
                "carts.items.put", key: "put \(line)", parameters: ["id": cart.id.uuidString, "sku": sku],
                body: #"{"quantity":\#(1 + chance.below(2))}"#)
        }
        let card = chance.pick(shop.cards)
        let body = body(cart.id, card)
        if chance.happens(0.2) {
            // Two clicks, two keys, one cart.
            shop.visits.note(Moment.doubleCheckout)
            async let second = checkOut(cart.id, body, key: "checkout again")
            let first = try await checkOut(cart.id, body, key: "checkout")
            guard let answer = try await [first, second].compactMap(\.self).first else { return }
            if try await follow(answer) == "confirmed" { try await complain(about: answer.order.id) }
        } else if chance.happens(0.15) {
            // A change of mind, while the order is under way.
            guard let answer = try await checkOut(cart.id, body, key: "checkout") else { return }
            try await shop.clock.sleep(for: chance.duration(milliseconds: 0...2_000))
            try await cancel(answer)
            _ = try await follow(answer)
        } else if let answer = try await checkOut(cart.id, body, key: "checkout") {
            let end = try await follow(answer)
            if end == "confirmed" { try await complain(about: answer.order.id) }
            guard end == "rejected" else { return }
            // Another card for the same cart.
            guard let again = try await checkOut(cart.id, self.body(cart.id, .good), key: "checkout with another card", isReopened: true) else {
                return
            }
            shop.visits.note(Moment.reorder)
            _ = try await follow(again)
        }
    }

    /// Sometimes sent twice: the second answer must equal the first.
    private func cancel(_ answer: Answer) async throws {
        var parameters = ["id": answer.order.id.uuidString]
        parameters["token"] = answer.token
        for click in 0..<(chance.happens(0.3) ? 2 : 1) {
            guard let reply = try await ask("orders.orders.cancel", key: "cancel \(click)", parameters: parameters, durability: .durable) else { return }
            switch reply.status {
            case 202:
                shop.visits.note(Moment.cancelled)
                ledger.cancelled(order: answer.order.id)
            case 409: shop.visits.note(Moment.cancelledTooLate)
            default: ledger.complain("a cancellation was answered \(reply.status)")
            }
        }
    }

    private func body(_ cart: UUID, _ card: Card) -> String {
        """
        {"cartId":"\(cart.uuidString)","email":"customer\(number)@wharf.example","shippingAddress":{"name":"C","line1":"1","city":"B",\
        "postalCode":"1","country":"DE"},"payment":\(card.payment)}
        """
    }

    /// - Parameter isReopened: The shop reported that the cart's last order was rejected.
    private func checkOut(_ cart: UUID, _ body: String, key: String, isReopened: Bool = false) async throws -> Answer? {
        let wait = chance.happens(0.5) ? Self.wait : nil
        guard let reply = try await ask("carts.checkouts.create", key: key, body: body, durability: .durable, wait: wait) else { return nil }
        if isReopened, reply.status == 409 { ledger.complain("a cart whose order was rejected is closed") }
        // 200 when the second reply has overtaken the first.
        guard [200, 202].contains(reply.status) else { return nil }
        let answer: Answer = try JSON.decode(from: reply.body)
        if reply.settlesUntil != nil, let second = await shop.ingress.second(after: reply) {
            shop.visits.note(Moment.waitedFor)
            let settled = try? JSON.decode(Answer.self, from: second.body)
            if settled?.order.id != answer.order.id { ledger.complain("the answer to a checkout is about another order") }
        }
        ledger.accepted(order: answer.order.id, cart: cart)
        if chance.happens(0.3), let again = try await ask("carts.checkouts.create", key: key, body: body, durability: .durable) {
            // The same click once more is the same order.
            let second = try? JSON.decode(Answer.self, from: again.body)
            if again.status != 202 || second?.order.id != answer.order.id { ledger.complain("a checkout repeated under its key was answered \(again.status)") }
            if again.isReplayed { shop.visits.note(Moment.replyRecalled) }
        }
        return answer
    }

    /// Polls the order until it is settled, and plays the customer's part in the payment.
    /// Returns the state that it settled in; nil when the customer left before.
    private func follow(_ answer: Answer) async throws -> String? {
        let id = answer.order.id
        let behaviour = chance.pick(Behaviour.allCases + [.authenticates])
        var hasActed = false
        if chance.happens(0.5) {
            let wait = chance.uuid()
            shop.origins.add(wait)
            _ = try? await shop.ingress.send(
                Request(id: wait, operation: MessageName.waitForOrder, body: Array(#"{"order":{"id":"\#(id.uuidString)"}}"#.utf8)),
                durability: .command, timeout: Self.timeout)
        }
        for _ in 0..<Self.looks {
            try await shop.clock.sleep(for: chance.duration(milliseconds: 1_000...8_000))
            var parameters = ["id": id.uuidString]
            parameters["token"] = answer.token
            guard
                let reply = try? await shop.ingress.send(
                    Request(id: chance.uuid(), operation: "orders.orders.get", parameters: parameters), durability: .query, timeout: .seconds(5)),
                reply.status == 200, let order = try? JSON.decode(Answer.Order.self, from: reply.body)
            else { continue }
            switch order.state {
            case "confirmed", "rejected", "cancelled":
                // A cancellation is reported while its saga runs.
                if order.state != "cancelled" { ledger.settled(order: id, as: order.state) }
                if order.state == "confirmed", chance.happens(0.3) {
                    try await shop.clock.sleep(for: chance.duration(milliseconds: 0...6_000))
                    try await cancel(answer)
                }
                return order.state
            case "partlyShipped", "shipped", "delivered":
                ledger.settled(order: id, as: "confirmed")
                return "confirmed"
            case "requiresAction" where !hasActed:
                hasActed = true
                try await act(behaviour, on: id)
            default: continue
            }
        }
        return nil
    }

    private func act(_ behaviour: Behaviour, on order: UUID) async throws {
        if shop.gateway.isAtPayPal(order) { return try await act(behaviour, atPayPal: order) }
        switch behaviour {
        case .leaves: return
        case .authenticates: _ = shop.gateway.authenticate(order, succeeds: true)
        case .fails: _ = shop.gateway.authenticate(order, succeeds: false)
        case .failsThenPays:
            _ = shop.gateway.authenticate(order, succeeds: false)
            try await shop.clock.sleep(for: chance.duration(milliseconds: 10...3_000))
            _ = shop.gateway.authenticate(order, succeeds: true)
        }
    }

    /// Approves at once, after a while, or when the order has long been given up; or the bank declines, or PayPal reviews the payment.
    private func act(_ behaviour: Behaviour, atPayPal order: UUID) async throws {
        switch behaviour {
        case .leaves:
            shop.visits.note(Moment.leftPayPal)
            if chance.happens(0.5) { shop.gateway.choose(.approve, order, after: chance.duration(milliseconds: Self.muchLater)) }
        case .authenticates: _ = shop.gateway.choose(chance.happens(0.3) ? .review : .approve, order)
        case .fails: _ = shop.gateway.choose(chance.happens(0.5) ? .decline : .review, order)
        case .failsThenPays: shop.gateway.choose(.approve, order, after: chance.duration(milliseconds: chance.happens(0.5) ? 0...20_000 : Self.muchLater))
        }
    }

    /// Delays in milliseconds that end around the moment when an order is given up, or long after it.
    private static let muchLater = 60_000...180_000

    /// Repeats the request until there is a final answer; nil when there never was one.
    func ask(
        _ operation: String, key: String, parameters: [String: String] = [:], body: String = "", durability: Durability = .command,
        caller: Caller? = nil, wait: Double? = nil
    ) async throws -> Reply? {
        let key = "\(number) \(key)"
        var parameters = parameters
        parameters[Request.idempotencyKey] = key
        var request = Request(
            id: shop.messageID(of: operation, key: key), operation: operation, parameters: parameters, caller: caller, body: Array(body.utf8))
        for _ in 0..<Self.attempts {
            request.settlesUntil = wait.map { shop.clock.now().addingTimeInterval($0) }
            if let reply = try? await shop.ingress.send(request, durability: durability, timeout: Self.timeout), reply.status < 500 { return reply }
            try await shop.clock.sleep(for: chance.duration(milliseconds: 500...4_000))
        }
        return nil
    }
}
