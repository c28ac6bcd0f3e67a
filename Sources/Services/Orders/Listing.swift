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
    /// An address prefix with more orders than this in the whole table is so frequent that a scan of the newest orders soon fills a page; the orders of a rarer
    /// one are few enough to be sorted. With a million orders, either takes a few milliseconds.
    static let rareOrders = 1_500

    /// Newest first.
    static func list(
        _ filter: OrderFilter, after: (Date, UUID)?, limit: Int, rareOrders: Int = rareOrders, on connection: any SQLConnection
    ) async throws -> [OrderRow] {
        let isRare: Bool
        if let email = filter.email {
            // In the order of the index, so that the scan stops as soon as there are too many.
            let first: SQL = " ORDER BY lower(email) USING ~<~ LIMIT \(rareOrders + 1)"
            let matches = try await connection.query("SELECT count(*) AS count FROM (SELECT FROM orders WHERE" + prefix(email) + first + ") AS matches")
            isRare = try (matches.first?.decode("count", as: Int.self) ?? 0) <= rareOrders
        } else {
            isRare = true
        }
        // First the ids of the page, from narrow rows: long texts are read only for the page.
        let ids: [UUID] = try await connection.query(ids(filter, isRare: isRare, after: after, limit: limit)).map { try $0.decode("id") }
        let rows = try await find(ids, on: connection)
        return ids.compactMap { rows[$0] }
    }

    /// Each filter has an index that returns the orders in this order, or only few of them. If several filters are given, the most selective one is applied first.
    private static func ids(_ filter: OrderFilter, isRare: Bool, after: (Date, UUID)?, limit: Int) -> SQL {
        let source = Source(filter, isRare: isRare)
        let (time, id) = (source.time, source.id)
        var sql = "SELECT " + id + " AS id FROM " + source.tables + " WHERE true"
        if let sku = filter.sku {
            // OFFSET keeps the planner from beginning with the orders of the SKU, because a best-seller has too many.
            let one: SQL = " AND EXISTS (SELECT FROM order_skus WHERE sku = \(sku) AND placed_at = orders.placed_at AND order_id = orders.id OFFSET 0)"
            sql += source.isOrders ? one : " AND sku = \(sku)"
        }
        if let customer = filter.customer { sql += " AND customer_id = \(customer)" }
        if let state = filter.state { sql += condition(state) }
        if let number = filter.number { sql += " AND number = \(number)" }
        // Uses no index; if the prefix is rare, its orders are already the source.
        if let email = filter.email, !isRare { sql += " AND starts_with(lower(email), \(email))" }
        if let since = filter.since { sql += " AND " + time + " >= \(since)" }
        if let until = filter.until { sql += " AND " + time + " < \(until)" }
        if let after { sql += " AND (" + time + ", " + id + ") < (\(after.0), \(after.1))" }
        return sql + " ORDER BY " + source.lead + time + " DESC, " + id + " DESC LIMIT \(limit)"
    }

    /// The tables from which a list is read, beginning with the one whose index has the order of the list.
    private struct Source {
        let tables, time, id: SQL
        /// The columns of the index before the time.
        var lead: SQL = ""
        /// Whether the tables begin with the orders themselves.
        let isOrders: Bool

        init(_ filter: OrderFilter, isRare: Bool) {
            let hasOrder = filter.customer != nil || filter.number != nil || filter.email != nil
            isOrders = filter.customer != nil || filter.number != nil || filter.email != nil && isRare || filter.sku == nil && filter.state == nil
            if isOrders {
                // OFFSET makes the planner read the orders first, by their index, and then the saga of each.
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
                // PostgreSQL does not treat a column that is null as constant.
                if filter.state == "confirmed" { lead = "outcome DESC, " }
            }
        }
    }

    /// The last character of ASCII, which no address contains, ends the range.
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
