import FoundationEssentials
import Synchronization
import WebClient

@testable import Assembly

/// A shop and its payment sandbox in memory, as correct or as faulty as a test wants it.
final class FakeShop: HTTPTransport {
    enum Bug: Sendable {
        /// An order is charged twice, is charged and rejected, sells more than it holds, never settles, or leaves a dead letter.
        case doubleCharge, keptMoney, lostStock, stuckOrder, deadLetter
        /// Checkouts forget their idempotency key.
        case forgottenKey
    }

    struct Behaviour: Sendable {
        /// Of this many requests one is answered 503 and not carried out.
        var refusesEvery = Int.max
        /// Of this many requests one is carried out and its answer is lost.
        var losesEvery = Int.max
        /// How many polls show an order as pending.
        var pendingLooks = 1
        /// Whether the sandbox rejects the API key for its ledger.
        var refusesLedger = false
        /// Applies to the first order.
        var bug: Bug?
    }

    struct Product: Sendable {
        var onHand = 0
        var reserved = 0
    }

    struct Order: Sendable {
        let quantities: [String: Int]
        var state = "pending"
        var looks = 0
    }

    struct State: Sendable {
        var requests = 0
        var products: [String: Product] = [:]
        var carts: [String: [String: Int]] = [:]
        var orderOfCart: [String: String] = [:]
        var orders: [String: Order] = [:]
        var payments: [(id: String, order: String, captured: Int)] = []
        var deadLetters = 0
        var answers: [String: WebResponse] = [:]
        var checkouts = 0
    }

    static let url = "http://127.0.0.1:1"
    static let ledger = "http://127.0.0.1:2"
    static let price = 100

    let behaviour: Behaviour
    private let state = Mutex(State())

    init(_ behaviour: Behaviour = Behaviour()) {
        self.behaviour = behaviour
    }

    var now: State { state.withLock { $0 } }

    func send(_ request: WebRequest) async throws -> WebResponse {
        if Task.isCancelled { throw WebClientError(code: .cancelled, message: "cancelled") }
        return try state.withLock { state throws(WebClientError) in
            state.requests += 1
            if state.requests.isMultiple(of: behaviour.refusesEvery) {
                return WebResponse(status: 503, headers: [("Retry-After", "0")])
            }
            let response = remembered(request, &state)
            if state.requests.isMultiple(of: behaviour.losesEvery) {
                throw WebClientError(code: .connectionLost, message: "lost", requestMayHaveBeenSent: true)
            }
            return response
        }
    }

    private func remembered(_ request: WebRequest, _ state: inout State) -> WebResponse {
        let path = String(request.url.dropFirst(Self.url.count))
        let forgets = behaviour.bug == .forgottenKey && path == "/v1/checkouts"
        guard let key = request.headers.first(where: { $0.name == "idempotency-key" })?.value, !forgets else {
            return answer(request, path, &state)
        }
        if let known = state.answers[key] { return known }
        let response = answer(request, path, &state)
        state.answers[key] = response
        return response
    }

    private func answer(_ request: WebRequest, _ path: String, _ state: inout State) -> WebResponse {
        let parts = path.prefix { $0 != "?" }.split(separator: "/").map(String.init)
        let body = (try? JSONDecoder().decode(Body.self, from: Data(request.body))) ?? Body()
        switch (request.method, parts.first == "v1" ? parts.dropFirst().first : parts.first) {
        case ("GET", "readyz"): return json(200, "{}")
        case ("GET", "_ledger"): return behaviour.refusesLedger ? json(401, "{}") : ledger(state)
        case ("POST", "sessions"): return body.password == "secret" ? json(201, #"{"token": "t"}"#) : json(401, "{}")
        case ("DELETE", "sessions"): return WebResponse(status: 204)
        case ("GET", "dead-letters"):
            return json(200, #"{"items": [], "causes": [{"cause": "c", "queue": "q", "count": \#(state.deadLetters)}]}"#)
        case ("POST", "products"):
            guard let sku = body.sku, state.products[sku] == nil else { return json(409, "{}") }
            state.products[sku] = Product()
            return json(201, "{}")
        case ("GET", "stock"): return stock(parts[2], state)
        case ("PUT", "stock"):
            state.products[parts[2]]?.onHand = body.onHand ?? 0
            return stock(parts[2], state)
        case ("POST", "carts"):
            let id = UUID().uuidString.lowercased()
            state.carts[id] = [:]
            return cart(id, 201, state)
        case ("PUT", "carts"):
            guard state.products[parts[4]] != nil else { return json(422, "{}") }
            state.carts[parts[2]]?[parts[4]] = body.quantity
            return cart(parts[2], 200, state)
        case ("POST", "checkouts"): return checkOut(body.cartId ?? "", &state)
        case ("GET", "orders"): return look(parts[2], &state)
        default: return json(404, "{}")
        }
    }

    private struct Body: Decodable {
        var password, sku, cartId: String?
        var onHand, quantity: Int?
    }

    private func json(_ status: Int, _ text: String) -> WebResponse {
        WebResponse(status: status, body: Array(text.utf8))
    }

    private func stock(_ sku: String, _ state: State) -> WebResponse {
        guard let product = state.products[sku] else { return json(404, "{}") }
        return json(200, #"{"sku": "\#(sku)", "onHand": \#(product.onHand), "reserved": \#(product.reserved)}"#)
    }

    private func cart(_ id: String, _ status: Int, _ state: State) -> WebResponse {
        guard let cart = state.carts[id] else { return json(404, "{}") }
        let total = cart.values.reduce(0, +) * Self.price
        return json(status, #"{"id": "\#(id)", "items": [], "total": {"amount": \#(total), "currency": "EUR"}}"#)
    }

    private func ledger(_ state: State) -> WebResponse {
        let lines = state.payments.map {
            #"{"id": "\#($0.id)", "orderId": "\#($0.order)", "currency": "eur", "captured": \#($0.captured), "refunded": 0}"#
        }
        return json(200, #"{"payments": [\#(lines.joined(separator: ","))], "hasMore": false}"#)
    }
}

extension FakeShop {
    private func checkOut(_ cart: String, _ state: inout State) -> WebResponse {
        guard let quantities = state.carts[cart] else { return json(422, "{}") }
        guard state.orderOfCart[cart] == nil else { return json(409, #"{"type": "https://wharf.dev/problems/cart-ordered"}"#) }
        let id = UUID().uuidString.lowercased()
        state.orderOfCart[cart] = id
        state.checkouts += 1
        let isSold = quantities.allSatisfy { sku, quantity in
            state.products[sku].map { $0.onHand - $0.reserved >= quantity } ?? false
        }
        state.orders[id] = Order(quantities: quantities)
        if isSold {
            for (sku, quantity) in quantities { state.products[sku]?.reserved += quantity }
        } else {
            state.orders[id]?.state = "rejected"
        }
        spoil(id, &state)
        return json(202, #"{"order": \#(order(id, state)), "token": "guest"}"#)
    }

    private func spoil(_ id: String, _ state: inout State) {
        guard state.checkouts == 1 else { return }
        switch behaviour.bug {
        case .doubleCharge: state.payments.append(("pi_double", id, 1))
        case .deadLetter: state.deadLetters += 1
        case .lostStock:
            for sku in state.products.keys.prefix(1) { state.products[sku]?.onHand -= 1 }
        case .keptMoney:
            for (sku, quantity) in state.orders[id]?.quantities ?? [:] where state.orders[id]?.state == "pending" {
                state.products[sku]?.reserved -= quantity
            }
            state.orders[id]?.state = "rejected"
            state.payments.append(("pi_kept", id, 1))
        case .stuckOrder, .forgottenKey, nil: break
        }
    }

    private func look(_ id: String, _ state: inout State) -> WebResponse {
        guard var order = state.orders[id] else { return json(404, "{}") }
        order.looks += 1
        let isStuck = behaviour.bug == .stuckOrder && state.checkouts >= 1 && id == state.orders.keys.min()
        if order.state == "pending", order.looks > behaviour.pendingLooks, !isStuck {
            order.state = "confirmed"
            for (sku, quantity) in order.quantities {
                state.products[sku]?.reserved -= quantity
                state.products[sku]?.onHand -= quantity
            }
            state.payments.append(("pi_\(id)", id, order.quantities.values.reduce(0, +) * Self.price))
        }
        state.orders[id] = order
        return json(200, self.order(id, state))
    }

    private func order(_ id: String, _ state: State) -> String {
        guard let order = state.orders[id] else { return "{}" }
        let lines = order.quantities.map { #"{"sku": "\#($0.key)", "quantity": \#($0.value)}"# }.joined(separator: ",")
        let total = order.quantities.values.reduce(0, +) * Self.price
        let reason = order.state == "rejected" ? #""reason": "outOfStock", "# : ""
        return #"""
            {"id": "\#(id)", "state": "\#(order.state)", \#(reason)"lines": [\#(lines)],
             "total": {"amount": \#(total), "currency": "EUR"}, "history": []}
            """#
    }
}
