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
    /// In minor units of the order's currency.
    var total: ClosedRange<Int>?
}

struct ListOrders: Sendable {
    let page: PageRequest
    let filter: OrderFilter
    let after: (Date, UUID)?

    static func read(_ request: Request) throws -> ListOrders {
        try Fields.read(request) { fields in
            var filter = OrderFilter(
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
            if fields.has(parameter: "minTotal") || fields.has(parameter: "maxTotal") {
                let least = fields.integerParameter("minTotal", 0...Money.maximumAmount, default: 0)
                let most = fields.integerParameter("maxTotal", 0...Money.maximumAmount, default: Money.maximumAmount)
                if least > most { fields.note("minTotal", "must not be above maxTotal") }
                filter.total = least...max(least, most)
            }
            let page = fields.page()
            return ListOrders(page: page, filter: filter, after: fields.position(page))
        }
    }
}

/// A filter whose index is not ordered by time: the beginning of an address, or a range of totals.
private struct RangeFilter {
    /// The condition in a form that uses the index, and the order of the index.
    let indexed, order: SQL
    /// The condition in a form that no index supports.
    let scanned: SQL

    /// The range ends at the last ASCII character, which no address contains.
    init(email: String) {
        indexed = " lower(email) ~>=~ \(email) AND lower(email) ~<~ \(email + "\u{7F}")"
        order = "lower(email) USING ~<~"
        scanned = " AND starts_with(lower(email), \(email))"
    }

    init(total: ClosedRange<Int>) {
        indexed = " total BETWEEN \(total.lowerBound) AND \(total.upperBound)"
        order = "total"
        scanned = " AND orders.total + 0 BETWEEN \(total.lowerBound) AND \(total.upperBound)"
    }
}

extension Store {
    /// A range with more orders than this in the whole table is frequent enough that a scan of the newest orders soon fills a page. The orders of a
    /// rarer one are few enough to be sorted. With a million orders, either takes a few milliseconds.
    static let rareOrders = 1_500

    /// Newest first.
    static func list(
        _ filter: OrderFilter, after: (Date, UUID)?, limit: Int, rareOrders: Int = rareOrders, on connection: any SQLConnection
    ) async throws -> [OrderRow] {
        var rare: RangeFilter?
        var frequent: [RangeFilter] = []
        for range in [filter.email.map { RangeFilter(email: $0) }, filter.total.map { RangeFilter(total: $0) }].compactMap(\.self) {
            if rare == nil, try await isRare(range, rareOrders, on: connection) { rare = range } else { frequent.append(range) }
        }
        // First the ids of the page, from narrow rows: long texts are read only for the page.
        let ids: [UUID] = try await connection.query(ids(filter, rare, frequent, after: after, limit: limit)).map { try $0.decode("id") }
        let rows = try await find(ids, on: connection)
        return ids.compactMap { rows[$0] }
    }

    private static func isRare(_ range: RangeFilter, _ rareOrders: Int, on connection: any SQLConnection) async throws -> Bool {
        // In the order of the index, so that the scan stops as soon as there are too many.
        let first: SQL = " ORDER BY " + range.order + " LIMIT \(rareOrders + 1)"
        let matches = try await connection.query("SELECT count(*) AS count FROM (SELECT FROM orders WHERE" + range.indexed + first + ") AS matches")
        return try (matches.first?.decode("count", as: Int.self) ?? 0) <= rareOrders
    }

    /// Each filter has an index that returns the orders in this order, or only few of them. If several filters are given, the most selective one is applied first.
    private static func ids(_ filter: OrderFilter, _ rare: RangeFilter?, _ frequent: [RangeFilter], after: (Date, UUID)?, limit: Int) -> SQL {
        let source = Source(filter, rare, hasFrequent: !frequent.isEmpty)
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
        // A rare range needs no condition: its orders are the source.
        for range in frequent { sql += range.scanned }
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

        init(_ filter: OrderFilter, _ rare: RangeFilter?, hasFrequent: Bool) {
            isOrders = filter.customer != nil || filter.number != nil || rare != nil || filter.sku == nil && filter.state == nil
            if isOrders {
                // OFFSET makes the planner read the orders first, by their index, and then the saga of each.
                let saga: SQL = " CROSS JOIN LATERAL (SELECT phase, outcome, due_minute FROM checkouts WHERE order_id = orders.id OFFSET 0) AS checkouts"
                let states = filter.state == nil ? "" : saga
                let few = rare.map { "(SELECT id, placed_at, customer_id, number, email, total FROM orders WHERE" + $0.indexed + " OFFSET 0) AS orders" as SQL }
                (tables, time, id) = ((few ?? "orders") + states, "orders.placed_at", "orders.id")
            } else if filter.sku != nil {
                let states: SQL = filter.state == nil ? "" : " JOIN checkouts USING (order_id)"
                let orders: SQL = hasFrequent ? " JOIN orders ON orders.id = order_skus.order_id" : ""
                (tables, time, id) = ("order_skus" + states + orders, "order_skus.placed_at", "order_skus.order_id")
            } else {
                let orders: SQL = hasFrequent ? " JOIN orders ON orders.id = order_id" : ""
                (tables, time, id) = ("checkouts" + orders, "listed_at", "order_id")
                // PostgreSQL does not treat a column that is null as constant.
                if filter.state == "confirmed" { lead = "outcome DESC, " }
            }
        }
    }

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
