import Assembly
import Contracts
import FoundationEssentials
import Input
import JSON
import Messaging
import Orders
import PostgreSQL

/// Orders in the order of their ids, each with what the other services hold about it: a merge of six tables, a page at a time.
struct OrderPages: Sendable {
    static let pageSize = 500
    /// Rows of one table in the range of one page; this many without an order are a violation of their own.
    static let maximumRows = 50_000

    struct Page: Sendable {
        var orders: [AuditedOrder]
        /// What other services hold about orders that do not exist.
        var strangers: Strangers
        /// Where the next page begins; nil at the end of the range.
        let next: UUID?
    }

    struct Strangers: Sendable {
        var charges: [AuditedCharge] = []
        var reservations: [AuditedReservation] = []
        var notifications: [AuditedNotification] = []
    }

    let snapshots: Snapshots
    /// Only orders placed from then on.
    let since: Date?
    let letters: DeadLetterIndex

    /// The last id of the slice of `size` orders that begins after `id`; nil when fewer remain.
    func end(ofSliceAfter id: UUID, size: Int) async throws -> UUID? {
        try await snapshots[.orders].query(
            "SELECT id FROM orders WHERE id > \(id) AND placed_at >= \(since ?? .distantPast) ORDER BY id OFFSET \(size - 1) LIMIT 1"
        ).first?.decode("id")
    }

    func page(_ range: AuditRange) async throws -> Page {
        let rows = try await snapshots[.orders].query(
            """
            SELECT id, number, cart_id, lines::text AS lines, total, currency, placed_at, phase, reason, payment_state, refunded, due_at, shipping,
                   fulfilment::text AS fulfilment, (history -> -1 ->> 'at')::timestamptz AS changed_at
            FROM orders LEFT JOIN checkouts ON order_id = id
            WHERE id > \(range.after) AND id <= \(range.upTo) AND placed_at >= \(since ?? .distantPast)
            ORDER BY id LIMIT \(Self.pageSize)
            """)
        let orders = try rows.map(Self.order)
        let next = orders.count == Self.pageSize ? orders.last?.id : nil
        let selection: AuditSelection =
            since == nil ? .range(AuditRange(after: range.after, upTo: next ?? range.upTo)) : .orders(orders.map(\.id))
        return try await merge(orders, selection, next: next)
    }

    private func merge(_ orders: [AuditedOrder], _ selection: AuditSelection, next: UUID?) async throws -> Page {
        let carts = try await carts(selection)
        var charges = try await charges(selection)
        var reservations = try await reservations(selection)
        let restocks = try await restocks(of: orders)
        var notifications = Dictionary(grouping: try await notifications(selection), by: \.order)
        let merged = orders.map { order in
            var order = order
            order.orderOfCart = carts[order.cart]
            order.charge = charges.removeValue(forKey: order.id)
            order.reservation = reservations.removeValue(forKey: order.id)
            order.notifications = notifications.removeValue(forKey: order.id) ?? []
            order.restocks = restocks.intersection((order.fulfilment?.returns ?? []).map(\.id))
            order.hasDeadNews = letters.ordersNotNotified.contains(order.id)
            order.hasDeadStepNews = letters.ordersNotNotifiedOfStep.contains(order.id)
            order.hasOpenPayment = letters.openPayments.contains(order.id)
            return order
        }
        let strangers = Strangers(
            charges: charges.values.sorted { $0.order < $1.order }, reservations: reservations.values.sorted { $0.order < $1.order },
            notifications: notifications.values.flatMap(\.self))
        return Page(orders: merged, strangers: strangers, next: next)
    }

    private static func order(_ row: Row) throws -> AuditedOrder {
        let phase: String? = try row.decode("phase")
        let lines: String = try row.decode("lines")
        let placedAt: Date = try row.decode("placed_at")
        var order = AuditedOrder(
            id: try row.decode("id"), number: try row.decode("number"), cart: try row.decode("cart_id"),
            lines: try? JSON.decode([OrderLine].self, from: Array(lines.utf8)),
            total: Money(amount: try row.decode("total"), currency: try row.decode("currency")), placedAt: placedAt,
            saga: try phase.map { phase in
                AuditedOrder.Saga(
                    phase: phase, fate: OrderOutcome(phase: phase), reason: try row.decode("reason"), paymentState: try row.decode("payment_state"),
                    refunded: try row.decode("refunded"), dueAt: try row.decode("due_at"))
            },
            changedAt: try row.decode("changed_at", as: Date?.self) ?? placedAt)
        if let text: String = try row.decode("fulfilment") { order.fulfilment = try fulfilment(text, try row.decode("shipping")) }
        return order
    }

    private struct StoredFulfilment: Decodable {
        struct Part: Decodable {
            struct Line: Decodable { let sku: String, quantity: Int }

            let id: UUID
            let state: String?
            let restocked: Bool?
            let lines: [Line]

            var pieces: [(String, Int)] { lines.map { ($0.sku, $0.quantity) } }
        }

        let shipments: [Part]
        let deliveredAt: Date?
        let returns: [Part]
        let refunds: [UUID]?
    }

    private static func fulfilment(_ text: String, _ state: String?) throws -> AuditedFulfilment {
        let stored = try JSON.decode(StoredFulfilment.self, from: Array(text.utf8))
        return AuditedFulfilment(
            shipped: Dictionary(stored.shipments.flatMap(\.pieces), uniquingKeysWith: +),
            returned: Dictionary(stored.returns.filter { $0.state != "refused" }.flatMap(\.pieces), uniquingKeysWith: +), state: state,
            parcels: stored.shipments.count, isDelivered: stored.deliveredAt != nil,
            returns: stored.returns.map { AuditedFulfilment.Return(id: $0.id, state: $0.state ?? "", restocked: $0.restocked) },
            refunds: stored.refunds?.count ?? 0)
    }
}

// MARK: - What the other services hold

extension OrderPages {
    /// The order that closed each cart, by cart.
    private func carts(_ selection: AuditSelection) async throws -> [UUID: UUID] {
        let rows = try await bounded(.carts, "SELECT id, order_id FROM carts WHERE \(selection.holds("order_id"))")
        return try Dictionary(rows.map { (try $0.decode("id"), try $0.decode("order_id")) }, uniquingKeysWith: { first, _ in first })
    }

    private func charges(_ selection: AuditSelection) async throws -> [UUID: AuditedCharge] {
        let rows = try await bounded(
            .payments,
            """
            SELECT order_id, state, amount, currency, void_requested, intent_id, updated_at, refunded, disputed, refund_refused, gateway,
                   (SELECT coalesce(sum(refunds.amount), 0) FROM refunds
                    WHERE refunds.order_id = attempts.order_id AND gateway_id IS NOT NULL AND refunds.state IN ('pending', 'succeeded'))::bigint AS made
            FROM attempts WHERE \(selection.holds("order_id"))
            """)
        return try Dictionary(
            rows.map { row in
                let charge = AuditedCharge(
                    order: try row.decode("order_id"), state: try row.decode("state"),
                    amount: Money(amount: try row.decode("amount"), currency: try row.decode("currency")),
                    isToBeVoided: try row.decode("void_requested"), intent: try row.decode("intent_id"), updatedAt: try row.decode("updated_at"),
                    refunded: try row.decode("refunded"), refundsMade: try row.decode("made"), isDisputed: try row.decode("disputed"),
                    hasRefusedRefund: try row.decode("refund_refused"), gateway: GatewayName(rawValue: try row.decode("gateway")) ?? .stripe)
                return (charge.order, charge)
            }, uniquingKeysWith: { first, _ in first })
    }

    private func reservations(_ selection: AuditSelection) async throws -> [UUID: AuditedReservation] {
        let rows = try await bounded(
            .catalog, "SELECT order_id, state, skus, quantities, at FROM reservations WHERE \(selection.holds("order_id"))")
        return try Dictionary(
            rows.map { row in
                let quantities = try row.decode("quantities", as: [Int32].self).map(Int.init)
                let pieces = Dictionary(zip(try row.decode("skus", as: [String].self), quantities), uniquingKeysWith: +)
                let reservation = AuditedReservation(
                    order: try row.decode("order_id"), state: try row.decode("state"), pieces: pieces, at: try row.decode("at"))
                return (reservation.order, reservation)
            }, uniquingKeysWith: { first, _ in first })
    }

    /// The ids of the returns of these orders whose goods the catalog has put back into stock.
    private func restocks(of orders: [AuditedOrder]) async throws -> Set<UUID> {
        let returns = orders.flatMap { $0.fulfilment?.returns ?? [] }.map(\.id)
        if returns.isEmpty { return [] }
        let rows = try await bounded(.catalog, "SELECT return_id FROM restocks WHERE return_id = ANY(\(returns))")
        return try Set(rows.map { try $0.decode("return_id") })
    }

    private func notifications(_ selection: AuditSelection) async throws -> [AuditedNotification] {
        try await bounded(
            .notifications, "SELECT order_id, kind, channel, result, detail, created_at FROM notifications WHERE repeats IS NULL AND \(selection.holds("order_id"))"
        ).map { row in
            AuditedNotification(
                order: try row.decode("order_id"), kind: try row.decode("kind"), channel: try row.decode("channel"),
                result: try row.decode("result"), detail: try row.decode("detail"), createdAt: try row.decode("created_at"))
        }
    }

    private func bounded(_ service: ServiceName, _ sql: SQL) async throws -> Rows {
        let rows = try await snapshots[service].query(sql + " LIMIT \(Self.maximumRows)")
        guard rows.count < Self.maximumRows else {
            throw AuditError.tooMany("\(Self.maximumRows) rows or more of \(service.rawValue) between two orders; --since leaves them out")
        }
        return rows
    }
}
