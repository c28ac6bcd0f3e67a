import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// `orders.checkouts.place`: the order exists from here on, and its saga carries it to an end.
struct Placing: Sendable {
    let times: CheckoutTimes
    let clock: any WallClock

    func place(_ items: [IncomingMessage<PlaceOrder>], on transaction: any SQLConnection) async throws -> [Outcome] {
        let now = clock.now()
        let history = try JSONColumn([OrderView.Entry(at: now, state: "placed", detail: "order placed; reserving stock")])
        let due = times.due(.reserving, retries: 0, placedAt: now, now: now)
        var numbers = try await Store.numbers(for: items.map(\.input), on: transaction)
        var placed: [(order: PlaceOrder, number: String, message: UUID, texts: OrderTexts)] = []
        var waiters: [Store.Waiter] = []
        let outcomes: [Outcome] = try items.map { item in
            let order = item.input
            guard let number = numbers.removeValue(forKey: order.orderID) else {
                return .failed(Failure("order-exists", "an order for cart \(order.cartID) exists already"))
            }
            let texts = try OrderTexts(order)
            placed.append((order, number, item.request.id, texts))
            let row = OrderRow(
                id: order.orderID, number: number, cartID: order.cartID, customerID: order.customerID,
                email: order.email, locale: order.locale, shippingAddress: texts.shippingAddress, payment: texts.payment, lines: texts.lines,
                total: order.total, placedAt: now, checkout: .placed, paymentState: .pending, paymentRevision: 0,
                clientSecret: nil, refunded: 0, retries: 0, version: 1, history: history, storedFulfilment: nil)
            let view = try CheckoutView(row)
            var reply = try Reply(status: 202, headers: ["location": view.location], json: view)
            if let requester = item.request.requester, let until = item.request.settlesUntil, until > now {
                let until = min(until, now.addingTimeInterval(Store.Waiter.longest))
                waiters.append(.init(order: order.orderID, requester: requester, until: until))
                reply.settlesUntil = until
            }
            return .done(reply, emit: [try OutgoingMessage(.reserve, for: row)])
        }
        if !placed.isEmpty {
            try await Store.place(
                placed.map(\.order), numbers: placed.map(\.number), messages: placed.map(\.message), texts: placed.map(\.texts), history: history, due: due, now: now,
                on: transaction)
        }
        if !waiters.isEmpty { try await Store.addWaiters(waiters, on: transaction) }
        return outcomes
    }
}

extension CheckoutView {
    init(_ row: OrderRow) throws {
        order = try row.view
        token = row.customerID == nil ? GuestToken.token(order: row.id, cart: row.cartID) : nil
    }

    /// The path of the order for the customer who placed it.
    var location: String { "/v1/orders/\(order.id.lowerCaseText)" + (token.map { "?token=\($0)" } ?? "") }
}

extension OutgoingMessage {
    /// The message for a step of the saga.
    /// - Parameter end: The time from which a customer who has to act can no longer do so.
    init(_ step: Checkout.Step, for order: OrderRow, until end: Date? = nil) throws {
        switch step {
        case .reserve:
            let lines = try order.lines.value.map { ReserveStock.Line(sku: $0.sku, quantity: $0.quantity) }
            try self.init(.request(MessageName.reserve), ReserveStock(orderID: order.id, lines: lines, charge: ChargeOrder(order)))
        case .charge:
            try self.init(.request(MessageName.charge), try ChargeOrder(order))
        case .sell: try self.init(.request(MessageName.sell), SettleReservation(orderID: order.id))
        case .release: try self.init(.request(MessageName.release), SettleReservation(orderID: order.id))
        case .reopen: try self.init(.request(MessageName.reopenCart), ReopenCart(orderID: order.id, cartID: order.cartID))
        case .void: try self.init(.request(MessageName.void), VoidPayment(orderID: order.id))
        case .announceConfirmed: try self.init(.event(MessageName.orderConfirmed), try OrderSettled(order))
        case .announceRejected: try self.init(.event(MessageName.orderRejected), try OrderSettled(order))
        case .announceActionRequired: try self.init(.event(MessageName.orderActionRequired), try OrderUpdate(actionRequiredFor: order, until: end))
        case .announceCancelled: try self.init(.event(MessageName.orderCancelled), try OrderUpdate(cancelled: order))
        }
    }
}

extension ChargeOrder {
    init(_ order: OrderRow) throws {
        self.init(orderID: order.id, amount: order.total, payment: try order.payment.value, orderNumber: order.number)
    }
}

extension OrderSettled {
    init(_ order: OrderRow) throws {
        self.init(
            orderID: order.id, number: order.number, email: order.email, lines: try order.lines.value, total: order.total,
            reason: order.checkout.reason?.rawValue, shippingAddress: try order.shippingAddress.value)
        locale = order.locale
        customerID = order.customerID
    }
}
