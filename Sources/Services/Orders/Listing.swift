import Contracts
import FoundationEssentials
import Input
import JSON
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
    /// Newest first. Each filter has an index that gives the orders in this order, or few of them.
    static func list(_ filter: OrderFilter, after: (Date, UUID)?, limit: Int, on connection: any SQLConnection) async throws -> [OrderRow] {
        let (time, id): (SQL, SQL) = filter.state == nil ? ("placed_at", "id") : ("listed_at", "order_id")
        var sql = columns + "WHERE true"
        if let customer = filter.customer { sql += " AND customer_id = \(customer)" }
        if let state = filter.state { sql += condition(state) }
        if let number = filter.number { sql += " AND number = \(number)" }
        // The character after the last one of ASCII ends the range.
        if let email = filter.email { sql += " AND lower(email) ~>=~ \(email) AND lower(email) ~<~ \(email + "\u{7F}")" }
        if let sku = filter.sku {
            sql += " AND jsonb_path_query_array(lines, '$[*].sku') @> \(String(decoding: try JSON.encode([sku]), as: UTF8.self))::jsonb"
        }
        if let since = filter.since { sql += " AND " + time + " >= \(since)" }
        if let until = filter.until { sql += " AND " + time + " < \(until)" }
        if let after { sql += " AND (" + time + ", " + id + ") < (\(after.0), \(after.1))" }
        return try await connection.query(sql + " ORDER BY " + time + " DESC, " + id + " DESC LIMIT \(limit)").map(read)
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
