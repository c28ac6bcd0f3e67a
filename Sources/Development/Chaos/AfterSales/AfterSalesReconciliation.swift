import Contracts
import FoundationEssentials
import Load
import ShopClient

/// Reconciles the shop's promises after checkouts with its orders, the gateway's ledger, the stock and the mails.
struct AfterSalesReconciliation: Sendable {
    /// Orders that the shop has accepted.
    var accepted: Set<UUID>
    var promises: [UUID: Promises.Order]
    var complaints: [String] = []
    /// Requests that were refused.
    var refused = 0
    /// Orders with a step that was not answered in time.
    var underWay = 0
    var endings: Endings
    /// The gateway's payments, by order.
    var payments: [UUID: [LedgerPayment]]

    var checks: [Check] { [answers, presence, cancellations, parcels, returns, money, movements, mails] }

    private var answers: Check {
        let late = underWay > 0 ? ["\(underWay) orders not answered in time"] : []
        return Check("requests after the checkout accepted or refused", "\(promises.count) orders, \(refused) refused", culprits: complaints + late)
    }

    private var presence: Check {
        let lost = accepted.subtracting(endings.orders.keys).map { "order \($0.text) is missing" }
        let open = endings.orders.values.filter { !$0.state.isSale && $0.state != .cancelled && $0.state != .rejected }.map { "order \($0.id.text) is \($0.state.rawValue)" }
        return Check("accepted orders are there and have ended", "\(endings.orders.count) orders", culprits: (lost + open).sorted())
    }

    /// A cancellation that was accepted stands, returns all of the money, and excludes a shipment.
    private var cancellations: Check {
        let cancelled = promises.filter(\.value.isCancelled)
        let wrong = cancelled.flatMap { id, promise -> [String] in
            guard let ending = endings.orders[id] else { return ["order \(id.text) was cancelled, but is missing"] }
            var wrong: [String] = []
            // A rejection that was already under way keeps its name.
            if ending.state != .cancelled, ending.state != .rejected { wrong.append("order \(id.text) was cancelled, but is \(ending.state.rawValue)") }
            if !ending.shipments.isEmpty || !promise.parcels.isEmpty { wrong.append("order \(id.text) was cancelled and shipped") }
            let kept = payments[id, default: []].reduce(0) { $0 + $1.kept }
            if kept != 0 { wrong.append("order \(id.text) was cancelled, but \(kept) was kept") }
            return wrong
        }
        let strangers = endings.orders.filter { $0.value.state == .cancelled && promises[$0.key]?.isCancelled != true }.map { "order \($0.key.text) is cancelled, but no cancellation was accepted" }
        return Check("cancelled orders are paid back and not shipped", "\(cancelled.count) cancelled", culprits: (wrong + strangers).sorted())
    }

    /// Each accepted parcel exists once, and all parcels together contain no more than was ordered.
    private var parcels: Check {
        var count = 0
        let wrong = endings.orders.flatMap { id, ending -> [String] in
            let promise = promises[id] ?? Promises.Order()
            count += ending.shipments.count
            var wrong: [String] = []
            let shown = ending.shipments.map(\.trackingNumber).sorted()
            if shown != promise.parcels.sorted() { wrong.append("order \(id.text) has the parcels \(shown), but \(promise.parcels.sorted()) were accepted") }
            let ordered = Ending.sum(ending.lines)
            let shipped = Ending.sum(ending.shipments.flatMap(\.lines))
            for (sku, quantity) in shipped where quantity > ordered[sku, default: 0] { wrong.append("order \(id.text): \(quantity) of \(sku) shipped") }
            if let state = ending.shipmentState(shipped == ordered, promise), state != ending.state {
                wrong.append("order \(id.text) is \(ending.state.rawValue), but should be \(state.rawValue)")
            }
            return wrong
        }
        return Check("accepted parcels are shipped once", "\(count) parcels", culprits: wrong.sorted())
    }

    /// Each accepted return exists once, in the state that its decisions lead to.
    private var returns: Check {
        var count = 0
        let wrong = endings.orders.flatMap { id, ending -> [String] in
            let promised = promises[id]?.returns ?? []
            count += promised.count
            var wrong: [String] = []
            if Set(ending.returns.map(\.id)) != Set(promised.map(\.id)) || ending.returns.count != promised.count {
                wrong.append("order \(id.text) has \(ending.returns.count) returns, but \(promised.count) were accepted")
            }
            for one in promised {
                guard let shown = ending.returns.first(where: { $0.id == one.id }) else { continue }
                if shown.restocked != one.restock { wrong.append("return \(one.id.text) does not show its goods as they were reported") }
                if !one.states.contains(shown.state) { wrong.append("return \(one.id.text) is \(shown.state)") }
            }
            return wrong
        }
        return Check("accepted returns are decided as reported", "\(count) returns", culprits: wrong.sorted())
    }

    /// The gateway has refunded exactly what was promised, and never more than was captured; the order shows the same.
    private var money: Check {
        var sum = 0
        let wrong = endings.orders.filter(\.value.state.isSale).flatMap { id, ending -> [String] in
            let own = payments[id, default: []]
            let (captured, refunded) = (own.reduce(0) { $0 + $1.captured }, own.reduce(0) { $0 + $1.refunded })
            sum += refunded
            let promise = promises[id] ?? Promises.Order()
            let received = promise.returns.filter { $0.restock != nil }.reduce(0) { $0 + $1.amount }
            // The price of returned goods is refunded up to what is left of the payment.
            let due = min(captured, promise.refunds.reduce(0, +) + received)
            var wrong: [String] = []
            if refunded != due { wrong.append("order \(id.text): \(due) of \(captured) should be refunded, but \(refunded) is") }
            if ending.refunded.amount != refunded { wrong.append("order \(id.text) shows \(ending.refunded.amount) as refunded, but the gateway has \(refunded)") }
            if captured == 0, !ending.shipments.isEmpty { wrong.append("order \(id.text) was shipped, but nothing was captured") }
            let state = refunded == 0 ? "succeeded" : refunded < captured ? "partlyRefunded" : "refunded"
            if captured > 0, ending.payment.state != state { wrong.append("order \(id.text) shows its payment as \(ending.payment.state), but it is \(state)") }
            return wrong
        }
        return Check("refunds made = refunds promised", "\(sum) refunded of sales", culprits: wrong.sorted())
    }

    /// The goods sold to each order have left the stock, and the goods returned to be sold again are back.
    private var movements: Check {
        let ids = Set(endings.orders.keys).union(endings.moved.keys)
        let wrong = ids.compactMap { id -> String? in
            let sold = endings.orders[id]?.sold.filter { $0.value != 0 } ?? [:]
            let moved = endings.moved[id, default: [:]].mapValues(-).filter { $0.value != 0 }
            return sold == moved ? nil : "order \(id.text): \(sold) sold, but \(moved) left the stock"
        }
        return Check("stock movements of each order = its goods", "\(endings.moved.count) orders moved stock", culprits: wrong.sorted())
    }

    /// Each parcel, delivery, return and refund was announced once, and so was the order's end.
    private var mails: Check {
        var count = 0
        let wrong = endings.orders.flatMap { id, ending -> [String] in
            let sent = endings.notifications[id, default: [:]]
            count += sent.values.reduce(0, +)
            return ending.news(promises[id] ?? Promises.Order()).compactMap { kind, due in
                due.contains(sent[kind, default: 0]) ? nil : "order \(id.text) is \(ending.state.rawValue), but \(kind) was sent \(sent[kind, default: 0]) times"
            }
        }
        return Check("each step was announced once", "\(count) mails", culprits: (wrong + endings.unsent).sorted())
    }
}

extension Promises.Return {
    /// A return whose payment has nothing left to refund stays received.
    fileprivate var states: Set<String> { isRefused ? ["refused"] : restock == nil ? ["approved"] : ["received", "refunded"] }
}

extension Ending {
    /// The state that its parcels lead to; nil before the first.
    fileprivate func shipmentState(_ isWhole: Bool, _ promise: Promises.Order) -> ReportedOrder.State? {
        if shipments.isEmpty { return nil }
        return promise.isDelivered ? .delivered : isWhole ? .shipped : .partlyShipped
    }

    /// How often each kind of notification is due.
    fileprivate func news(_ promise: Promises.Order) -> [(kind: String, due: ClosedRange<Int>)] {
        let isCancelled = state == .cancelled
        let refunds = promise.refunds.count + returns.count { $0.state == "refunded" }
        return [
            // A cancelled order may have been confirmed before.
            ("orderConfirmed", state.isSale ? 1...1 : isCancelled ? 0...1 : 0...0),
            ("orderRejected", state == .rejected ? 1...1 : 0...0), ("orderCancelled", isCancelled ? 1...1 : 0...0),
            ("orderShipped", shipments.count...shipments.count), ("orderDelivered", promise.isDelivered ? 1...1 : 0...0),
            // The notification of a cancelled order's end covers all its refunds.
            ("orderRefunded", isCancelled ? 0...refunds : refunds...refunds),
            ("returnRequested", returns.count...returns.count),
            ("returnRefused", promise.returns.count(where: \.isRefused)...promise.returns.count(where: \.isRefused)),
            ("returnApproved", promise.returns.count { !$0.isRefused }...promise.returns.count { !$0.isRefused }),
        ]
    }
}
