import FoundationEssentials
import Messaging
import Secrets

/// Reconciles the tables, the gateway, the broker and the customers' answers, once nothing is under way any more.
struct Audit: Sendable {
    /// Causes for which a message may be a dead letter: repeated faults.
    static let excusedCauses: Set<String> = [
        "database-transient", "database-unavailable", "gateway-unknown", "gateway-unreachable", "payment-in-flight", "payment-moved", "lease-ended", "not-captured-yet",
        "mail-not-sent", "unroutable", "queue-full", "commit-unknown", "not-confirmed",
        // The broker's own: connections were lost more than twenty times while a message was held.
        "delivery_limit",
    ]

    struct DeadLetter: Sendable {
        let id: UUID?
        let cause: String
        let origin: String
        /// The order that the message is about, where there is one.
        let order: UUID?
        /// The payment that it is about, where it is a gateway's event: until it is replayed, Wharf does not know what happened there.
        var intent: String?
    }

    let books: Books
    let intents: [GatewayBook.Intent]
    let customers: CustomerLedger.Entries
    let mails: [UUID: Int]
    let deadLetters: [DeadLetter]
    let backlog: [String: Int]
    let origins: Origins
    /// The queues that a message of this kind and key goes to.
    let route: @Sendable (_ exchange: String, _ key: String) -> [String]

    var violations: [String] {
        customers.complaints + orders + money + refunds + stock + notifications + messages
            + backlog.sorted { $0.key < $1.key }.map { "queue \($0.key) holds \($0.value) messages" }
            + deadLetters.filter { !Self.excusedCauses.contains($0.cause) && !standsForRefund($0) && !standsForLapse($0) }.map { "dead letter from \($0.origin): \($0.cause)" }
    }

    private var orders: [String] {
        var found: [String] = []
        for (order, cart) in customers.accepted.sorted(by: { $0.key.uuidString < $1.key.uuidString }) {
            guard let row = books.orders[order] else {
                found.append("order \(order) was accepted, and is lost")
                continue
            }
            if row.cart != cart { found.append("order \(order) is not the order of its cart") }
        }
        for order in ordersByID {
            if !order.isSettled { found.append("order \(order.id) is \(order.phase) for good") }
            // Two batches that move one order from the same state leave a step that no single batch could take.
            for edge in SagaEdges.path(of: order) where !SagaEdges.isPossible(edge) {
                found.append("order \(order.id) went from \(edge.from) to \(edge.to) by '\(edge.event)'")
            }
            // A confirmed order may be cancelled later.
            if let seen = customers.settled[order.id], seen != order.phase, (seen, order.phase) != ("confirmed", "cancelled") {
                found.append("order \(order.id) was reported as \(seen), and is \(order.phase)")
            }
            found += fulfilmentFindings(order)
            if order.phase == "rejected" {
                if books.carts[order.cart] == order.id { found.append("order \(order.id) is rejected, and its cart is closed") }
            } else if books.carts[order.cart] != order.id {
                found.append("order \(order.id) names a cart that does not name it")
            }
        }
        for (cart, order) in books.carts.sorted(by: { $0.key.uuidString < $1.key.uuidString }) where books.orders[order] == nil {
            found.append("cart \(cart) was closed for order \(order), which does not exist")
        }
        return found
    }

    /// Of a cancellation and a shipment one was accepted, and it stands.
    private func fulfilmentFindings(_ order: Books.Order) -> [String] {
        var found: [String] = []
        for (sku, quantity) in order.shipped.sorted(by: { $0.key < $1.key }) where quantity > order.ordered[sku, default: 0] {
            found.append("order \(order.id) has \(quantity) of \(sku) shipped")
        }
        if !order.shipped.isEmpty, order.phase != "confirmed" { found.append("order \(order.id) is \(order.phase), and was shipped") }
        if customers.cancelled.contains(order.id), !order.isGivenUp { found.append("order \(order.id) was reported as cancelled, and is \(order.phase)") }
        if customers.shipped.contains(order.id), order.shipped.isEmpty { found.append("order \(order.id) was reported as shipped, and is not") }
        if customers.delivered.contains(order.id), order.shipping != "delivered" { found.append("order \(order.id) was reported as delivered, and is not") }
        for one in order.returns {
            if (one.restocked == true) != books.restocked.contains(one.id) { found.append("return \(one.id) was \(one.restocked == true ? "not" : "") restocked") }
            // Its money may have been refunded by hand before, or the bank has ended the authorization.
            if one.state == "received", !hasLapsed(order.id), !books.refunds.contains(where: { $0.order == order.id }) {
                found.append("return \(one.id) was received, and nothing was refunded")
            }
        }
        return found
    }

    private var ordersByID: [Books.Order] {
        books.orders.values.sorted { $0.id.uuidString < $1.id.uuidString }
    }

    private var money: [String] {
        var found: [String] = []
        for order in ordersByID {
            let own = intents.filter { $0.order == order.id }
            let captures = own.reduce(0) { $0 + $1.captures }
            let kept = own.reduce(0) { $0 + $1.captures * $1.amount - $1.refunded }
            let refunded = books.refunds.filter { $0.order == order.id && $0.state == "succeeded" }.reduce(0) { $0 + $1.amount }
            // What is authorized until the first parcel leaves.
            let held = own.reduce(0) { $1.status == .requiresCapture ? $0 + $1.amount : $0 }
            if captures > 1 { found.append("order \(order.id) was charged \(captures) times") }
            let paid = order.shipped.isEmpty ? kept + held : kept
            if order.phase == "confirmed", paid != order.total - refunded, !isUnheard(order.id), !hasLapsed(order.id), !awaitsCapture(order.id) {
                found.append("order \(order.id) is confirmed for \(order.total), \(refunded) were refunded, \(kept) was kept, and \(held) is authorized")
            }
            if order.isGivenUp, held != 0 { found.append("order \(order.id) is \(order.phase), and \(held) is authorized") }
            if order.isGivenUp, kept != 0 { found.append("order \(order.id) is \(order.phase), and \(kept) was kept") }
            // PayPal cancels no payment: one that is approved too late is never captured.
            if own.contains(where: { $0.payPal?.isApprovedTooLate == true && $0.captures > 0 }) {
                found.append("order \(order.id) was given up, approved after that, and captured")
            }
            if order.isGivenUp, own.contains(where: { $0.payPal == nil && $0.status == .requiresAction }) {
                found.append("order \(order.id) is \(order.phase), and can still be paid")
            }
        }
        for order in ordersByID where order.isSettled && !isUnheard(order.id) && !isUnreported(order.id) { found += paymentFindings(order) }
        for intent in intents where books.orders[intent.order] == nil { found.append("payment \(intent.id) is for no order") }
        if books.uncaptured > 0 { found.append("\(books.uncaptured) payments should have been captured and were not") }
        if books.unvoided > 0 { found.append("\(books.unvoided) payments should have been voided and were not") }
        return found
    }

    /// The payment state shown to the customer agrees with the gateway.
    private func paymentFindings(_ order: Books.Order) -> [String] {
        let own = intents.filter { $0.order == order.id }
        let refunded = own.reduce(0) { $0 + $1.refunded }
        let kept = own.reduce(0) { $0 + $1.captures * $1.amount - $1.refunded }
        // A voided payment has nothing left to dispute or to decide.
        let isReturned = order.isGivenUp && kept == 0
        let states: Set<String> =
            if !isReturned, own.contains(where: { $0.dispute != nil && $0.dispute != "won" }) {
                ["disputed"]
            } else if !isReturned, books.refunds.contains(where: { $0.order == order.id && $0.state == "needsOperator" }) {
                ["needsOperator"]
            } else if kept > 0 {
                refunded > 0 ? ["partlyRefunded"] : ["succeeded"]
            } else if refunded > 0 {
                ["refunded"]
            } else if own.contains(where: { $0.status == .requiresCapture }) {
                ["authorized"]
            } else if hasLapsed(order.id) {
                // The goods may be on their way.
                order.isGivenUp ? ["cancelled"] : ["cancelled", "needsOperator"]
            } else if own.contains(where: { $0.payPal != nil }) {
                ["declined", "cancelled"]
            } else if own.contains(where: { $0.status == .requiresPaymentMethod }) {
                // A failed intent beside a cancelled one.
                own.contains { $0.status == .canceled } ? ["declined", "cancelled"] : ["declined"]
            } else {
                ["cancelled"]
            }
        if states.contains(order.paymentState), order.refunded == refunded { return [] }
        let gateway = own.map { "\($0.id) \($0.status.rawValue), refunded \($0.refunded)" }.joined(separator: "; ")
        return ["order \(order.id) is \(order.phase), its payment reported as \(order.paymentState), refunded \(order.refunded); the gateway has: \(gateway)"]
    }

    private var stock: [String] {
        var found: [String] = []
        for level in books.stock {
            if level.onHand < 0 || level.reserved < 0 { found.append("stock of \(level.sku) is below zero") }
            if level.onHand != level.expected { found.append("stock of \(level.sku) is \(level.onHand), but should be \(level.expected)") }
            if level.reserved != 0 { found.append("\(level.reserved) of \(level.sku) are reserved for no order") }
        }
        for (reason, count) in books.bookings.sorted(by: { $0.key < $1.key }) where count > 1 {
            found.append("\(reason) was booked \(count) times: the clerk was answered that nothing was done")
        }
        for reason in customers.booked.sorted() where books.bookings[reason] == nil { found.append("\(reason) was reported as booked, and is not") }
        return found
    }

    private var notifications: [String] {
        var found: [String] = []
        for order in ordersByID where order.isSettled {
            let notices = books.notifications.filter { $0.order == order.id }
            let kind = order.phase == "confirmed" ? "orderConfirmed" : order.phase == "cancelled" ? "orderCancelled" : "orderRejected"
            // A dead letter may hold the notification back, until an operator replays it.
            if notices.isEmpty, deadLetters.contains(where: { $0.order == order.id }) { continue }
            let ends = notices.map(\.kind).filter { ["orderConfirmed", "orderRejected", "orderCancelled"].contains($0) }
            // The end of a cancelled order may be its second one.
            if ends.filter({ order.phase != "cancelled" || $0 != "orderConfirmed" }) != [kind] { found.append("order \(order.id) is \(order.phase), and was announced as \(notices.map(\.kind))") }
            for one in notices where one.result != "sent" || mails[one.id] == nil {
                found.append("the mail about order \(order.id) is \(one.result), and left \(mails[one.id] ?? 0) times")
            }
        }
        return found
    }

    /// Every committed output reached the inbox of its receiver, or it, or the message that it follows from, is a dead letter that can be replayed;
    /// and nothing was handled that was not committed.
    private var messages: [String] {
        var found: [String] = []
        var known: Set<UUID> = []
        let dead = Set(deadLetters.compactMap(\.id))
        for service in Shop.Service.allCases {
            for handled in (books.inboxes[service] ?? [:]).values.sorted(by: { $0.id.uuidString < $1.id.uuidString }) {
                for (place, output) in handled.outputs.enumerated() where output.kind == "request" || output.kind == "event" {
                    let id = UUID.v8(at: handled.at, namespace: handled.id, name: String(place))
                    known.insert(id)
                    for queue in route(output.kind == "event" ? Exchange.events : Exchange.requests, output.key) {
                        guard let receiver = Shop.Service(rawValue: String(queue.prefix { $0 != "." })) else { continue }
                        if books.inboxes[receiver]?[id] == nil, !dead.contains(id), !dead.contains(handled.id) {
                            found.append("\(output.key), which \(service.rawValue) has sent, was never handled by \(receiver.rawValue)")
                        }
                    }
                }
            }
        }
        for service in Shop.Service.allCases {
            let strangers = (books.inboxes[service] ?? [:]).keys.filter { !known.contains($0) && !origins.contains($0) }
            if !strangers.isEmpty { found.append("\(service.rawValue) has handled \(strangers.count) messages that were never committed") }
        }
        return found
    }
}
