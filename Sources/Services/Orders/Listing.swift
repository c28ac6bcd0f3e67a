import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL

/// Which orders a list shows. A nil filter is not applied.
struct OrderFilter: Sendable {
    static let states = ["pending", "requiresAction", "confirmed", "partlyShipped", "shipped", "delivered", "rejected", "cancelled"]

    var customer: UUID?
    var state: String?
    var number: String?
    /// The beginning of the address, in lower case.
    var email: String?
    var sku: String?
    /// Placed at this time or later.
    var since: Date?
    /// Placed before this time.
    var until: Date?
}

struct ListOrders: Sendable {
    let page: PageRequest
    let filter: OrderFilter
    let after: (Date, UUID)?

    static func read(_ request: Request) throws -> ListOrders {
        try Fields.read(request) { fields in
            let filter = OrderFilter(
                state: fields.optionalParameter("state"), number: fields.optionalParameter("number", 1...40),
                email: fields.optionalParameter("email", 1...EmailAddress.maximumLength).map { $0.lowercased() }, sku: fields.optionalParameter("sku", 1...64),
                since: fields.timeParameter("since"), until: fields.timeParameter("until"))
            if let state = filter.state, !OrderFilter.states.contains(state) {
                fields.note("state", "must be one of \(OrderFilter.states.joined(separator: ", "))")
            }
            // No address has any other character.
            if let email = filter.email, !email.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) {
                fields.note("email", "must be the beginning of an e-mail address")
            }
            let page = fields.page()
            return ListOrders(page: page, filter: filter, after: fields.position(page))
        }
    }
}

extension Store {
    /// An address prefix with more orders than this, in the whole table, is so frequent that a look through the newest orders soon fills a page; the orders of a rarer
    /// one are few enough to be sorted. At a million orders either takes some milliseconds.
    static let rareOrders = 1_500

    /// Newest first.
    static func list(
        _ filter: OrderFilter, after: (Date, UUID)?, limit: Int, rareOrders: Int = rareOrders, on connection: any SQLConnection
    ) async throws -> [OrderRow] {
        let isRare: Bool
        if let email = filter.email {
            // In the order of the index, which is left as soon as there are too many.
            let first: SQL = " ORDER BY lower(email) USING ~<~ LIMIT \(rareOrders + 1)"
            let matches = try await connection.query("SELECT count(*) AS count FROM (SELECT FROM orders WHERE" + prefix(email) + first + ") AS matches")
            isRare = try (matches.first?.decode("count", as: Int.self) ?? 0) <= rareOrders
        } else {
            isRare = true
        }
        // First the ids of the page, from narrow rows: texts are read for the page alone.
        let ids: [UUID] = try await connection.query(ids(filter, isRare: isRare, after: after, limit: limit)).map { try $0.decode("id") }
        let rows = try await find(ids, on: connection)
        return ids.compactMap { rows[$0] }
    }

    /// Each filter has an index that gives the orders in this order, or few of them. Where several are given the one that leaves fewest comes first.
    private static func ids(_ filter: OrderFilter, isRare: Bool, after: (Date, UUID)?, limit: Int) -> SQL {
        let source = Source(filter, isRare: isRare)
        let (time, id) = (source.time, source.id)
        var sql = "SELECT " + id + " AS id FROM " + source.tables + " WHERE true"
        if let sku = filter.sku {
            // OFFSET keeps the planner from beginning with the orders of the SKU, of which a best-seller has too many.
            let one: SQL = " AND EXISTS (SELECT FROM order_skus WHERE sku = \(sku) AND placed_at = orders.placed_at AND order_id = orders.id OFFSET 0)"
            sql += source.isOrders ? one : " AND sku = \(sku)"
        }
        if let customer = filter.customer { sql += " AND customer_id = \(customer)" }
        if let state = filter.state { sql += condition(state) }
        if let number = filter.number { sql += " AND number = \(number)" }
        // Uses no index. The orders of a rare prefix are the source.
        if let email = filter.email, !isRare { sql += " AND starts_with(lower(email), \(email))" }
        if let since = filter.since { sql += " AND " + time + " >= \(since)" }
        if let until = filter.until { sql += " AND " + time + " < \(until)" }
        if let after { sql += " AND (" + time + ", " + id + ") < (\(after.0), \(after.1))" }
        return sql + " ORDER BY " + source.lead + time + " DESC, " + id + " DESC LIMIT \(limit)"
    }

    /// The tables that a list is read from, beginning with the one whose index has the order.
    private struct Source {
        let tables, time, id: SQL
        /// What the index has before the time.
        var lead: SQL = ""
        /// Whether it begins with the orders themselves.
        let isOrders: Bool

        init(_ filter: OrderFilter, isRare: Bool) {
            let hasOrder = filter.customer != nil || filter.number != nil || filter.email != nil
            isOrders = filter.customer != nil || filter.number != nil || filter.email != nil && isRare || filter.sku == nil && filter.state == nil
            if isOrders {
                // OFFSET has the planner read the orders first, by their index, and the saga of each of them.
                let saga: SQL = " CROSS JOIN LATERAL (SELECT phase, outcome, due_minute FROM checkouts WHERE order_id = orders.id OFFSET 0) AS checkouts"
                let states = filter.state == nil ? "" : saga
                let rare = isRare ? filter.email.map { "(SELECT id, placed_at, customer_id, number FROM orders WHERE" + Store.prefix($0) + " OFFSET 0) AS orders" } : nil
                (tables, time, id) = ((rare ?? "orders") + states, "orders.placed_at", "orders.id")
            } else if filter.sku != nil {
                let states: SQL = filter.state == nil ? "" : " JOIN checkouts USING (order_id)"
                let orders: SQL = hasOrder ? " JOIN orders ON orders.id = order_skus.order_id" : ""
                (tables, time, id) = ("order_skus" + states + orders, "order_skus.placed_at", "order_skus.order_id")
            } else {
                let orders: SQL = hasOrder ? " JOIN orders ON orders.id = order_id" : ""
                (tables, time, id) = ("checkouts" + orders, "listed_at", "order_id")
                // To PostgreSQL a column that is null is not a constant one.
                if filter.state == "confirmed" { lead = "outcome DESC, " }
            }
        }
    }

    /// The character after the last one of ASCII ends the range.
    private static func prefix(_ email: String) -> SQL { " lower(email) ~>=~ \(email) AND lower(email) ~<~ \(email + "\u{7F}")" }

    /// The column `outcome` is null for pending and confirmed orders; a pending one has a deadline.
    private static func condition(_ state: String) -> SQL {
        let confirmed = [Checkout.Phase.confirming.rawValue, Checkout.Phase.confirmed.rawValue]
        return switch state {
        case "confirmed": " AND outcome IS NULL AND phase = ANY(\(confirmed))"
        case "pending": " AND outcome IS NULL AND due_minute IS NOT NULL AND phase <> ALL(\(confirmed))"
        default: " AND outcome = \(state)"
        }
    }
}
