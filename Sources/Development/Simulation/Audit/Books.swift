import FoundationEssentials
import JSON
import Messaging
import PostgreSQL

/// The contents of the services' tables, read at once.
struct Books: Sendable {
    struct Order: Sendable {
        struct Entry: Sendable, Decodable {
            let state: String
            let detail: String
        }

        let id: UUID
        let cart: UUID
        let total: Int
        let phase: String
        /// As reported to the customer.
        let paymentState: String
        let refunded: Int
        /// How often a step was repeated.
        let redrives: Int
        let history: [Entry]
        /// Pieces by SKU.
        let ordered: [String: Int]
        let shipped: [String: Int]
        /// In the words of the API; nil before the first shipment.
        let shipping: String?
        let returns: [Return]

        var isSettled: Bool { phase == "confirmed" || isGivenUp }
        var isGivenUp: Bool { phase == "rejected" || phase == "cancelled" }
    }

    struct Return: Sendable, Decodable {
        let id: UUID
        let state: String
        let restocked: Bool?
    }

    private struct Line: Decodable {
        let sku: String
        let quantity: Int
    }

    private struct Fulfilment: Decodable {
        struct Shipment: Decodable { let lines: [Line] }

        let shipments: [Shipment]
        let returns: [Return]
    }

    private static func pieces(_ lines: [Line]) -> [String: Int] {
        Dictionary(lines.map { ($0.sku, $0.quantity) }, uniquingKeysWith: +)
    }

    struct Handled: Sendable {
        struct Output: Sendable, Decodable {
            let kind: String
            let key: String
        }

        let id: UUID
        let at: Date
        let outputs: [Output]
    }

    struct Stock: Sendable {
        let sku: String
        let onHand: Int
        let reserved: Int
        /// What on hand must be: stock received less stock sold.
        let expected: Int
    }

    struct Refund: Sendable {
        let order: UUID
        let intent: String
        let amount: Int
        let state: String
        let gatewayID: String?
        let captured: Int
    }

    struct Notice: Sendable {
        let id: UUID
        let order: UUID
        let kind: String
        let result: String
    }

    var orders: [UUID: Order] = [:]
    /// The orders that carts name as theirs, by cart.
    var carts: [UUID: UUID] = [:]
    var inboxes: [Shop.Service: [UUID: Handled]] = [:]
    var stock: [Stock] = []
    /// How often each reason was booked for stock.
    var bookings: [String: Int] = [:]
    var notifications: [Notice] = []
    /// Payments that should have been voided and were not.
    var unvoided = 0
    /// Payments that should have been captured and were not.
    var uncaptured = 0
    var refunds: [Refund] = []
    /// Returns whose goods are back in stock.
    var restocked: Set<UUID> = []
    /// Those that are under way.
    var pendingRefunds: Int { refunds.count { $0.state == "pending" } }

    static func read(on connection: any SQLConnection) async throws -> Books {
        var books = Books()
        let orders = try await connection.query(
            """
            SELECT id, cart_id, total, phase, payment_state, coalesce(refunded, 0) AS refunded, coalesce(redrives, 0) AS redrives,
                   history::text AS history, lines::text AS lines, fulfilment::text AS fulfilment, shipping
            FROM orders.orders LEFT JOIN orders.checkouts ON order_id = id ORDER BY id
            """)
        for row in orders {
            let history: String? = try row.decode("history")
            let lines: [Line] = try JSON.decode(from: Array(try row.decode("lines", as: String.self).utf8))
            let fulfilment: Fulfilment? = try row.decode("fulfilment", as: String?.self).map { try JSON.decode(from: Array($0.utf8)) }
            let order = Order(
                id: try row.decode("id"), cart: try row.decode("cart_id"), total: try row.decode("total"),
                phase: try row.decode("phase", as: String?.self) ?? "without a saga",
                paymentState: try row.decode("payment_state", as: String?.self) ?? "", refunded: try row.decode("refunded"),
                redrives: try row.decode("redrives"),
                history: try history.map { try JSON.decode(from: Array($0.utf8)) } ?? [], ordered: pieces(lines),
                shipped: pieces((fulfilment?.shipments ?? []).flatMap(\.lines)), shipping: try row.decode("shipping"),
                returns: fulfilment?.returns ?? [])
            books.orders[order.id] = order
        }
        for row in try await connection.query("SELECT id, order_id FROM carts.carts WHERE order_id IS NOT NULL") {
            books.carts[try row.decode("id")] = try row.decode("order_id", as: UUID.self)
        }
        for service in Shop.Service.allCases {
            let rows = try await connection.query(
                "SELECT message_id, at, outputs::text AS outputs FROM \(identifier: service.rawValue).inbox ORDER BY at, message_id")
            for row in rows {
                let outputs: [Handled.Output] = try JSON.decode(from: Array(try row.decode("outputs", as: String.self).utf8))
                let handled = Handled(id: try row.decode("message_id"), at: try row.decode("at"), outputs: outputs)
                books.inboxes[service, default: [:]][handled.id] = handled
            }
        }
        books.stock = try await readStock(on: connection)
        for row in try await connection.query("SELECT reason, count(*) AS count FROM catalog.stock_movements WHERE reason LIKE 'delivery %' GROUP BY reason") {
            books.bookings[try row.decode("reason")] = try row.decode("count", as: Int.self)
        }
        books.notifications = try await connection.query("SELECT id, order_id, kind, result FROM notifications.notifications ORDER BY id").map { row in
            Notice(id: try row.decode("id"), order: try row.decode("order_id"), kind: try row.decode("kind"), result: try row.decode("result"))
        }
        books.unvoided =
            try await connection.query(
                "SELECT count(*) FROM payments.attempts WHERE void_requested AND state IN ('begun', 'requiresAction', 'authorized', 'uncaptured', 'succeeded')"
            ).first?.decode(0) ?? 0
        books.uncaptured =
            try await connection.query(
                "SELECT count(*) FROM payments.attempts WHERE capture_requested AND NOT void_requested AND state = 'authorized'"
            ).first?.decode(0) ?? 0
        for row in try await connection.query("SELECT return_id FROM catalog.restocks") { books.restocked.insert(try row.decode("return_id")) }
        books.refunds = try await readRefunds(on: connection)
        return books
    }

    private static func readStock(on connection: any SQLConnection) async throws -> [Stock] {
        let rows = try await connection.query(
            """
            SELECT stock.sku, on_hand, reserved,
                   (SELECT sum(delta) FROM catalog.stock_movements WHERE stock_movements.sku = stock.sku)::bigint
                   - (SELECT coalesce(sum(quantity), 0) FROM catalog.reservations, unnest(skus, quantities) AS line (sku, quantity)
                      WHERE state = 'committed' AND line.sku = stock.sku)::bigint AS expected
            FROM catalog.stock ORDER BY sku
            """)
        return try rows.map { row in
            Stock(
                sku: try row.decode("sku"), onHand: try row.decode("on_hand"), reserved: try row.decode("reserved"),
                expected: try row.decode("expected"))
        }
    }

    private static func readRefunds(on connection: any SQLConnection) async throws -> [Refund] {
        let rows = try await connection.query(
            """
            SELECT order_id, coalesce(intent_id, '') AS intent, refunds.amount, refunds.state, gateway_id, attempts.amount AS captured
            FROM payments.refunds JOIN payments.attempts USING (order_id) ORDER BY refunds.id
            """)
        return try rows.map { row in
            Refund(
                order: try row.decode("order_id"), intent: try row.decode("intent"), amount: try row.decode("amount"), state: try row.decode("state"),
                gatewayID: try row.decode("gateway_id"), captured: try row.decode("captured"))
        }
    }
}
