import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Secrets

struct ListReservations: Sendable {
    let sku: String
    let page: PageRequest

    static func read(_ request: Request) throws -> ListReservations {
        try Fields.read(request) { fields in
            let list = ListReservations(sku: fields.parameter("sku", 1...64), page: fields.page())
            if let after = list.page.after, ReservationCursor(after) == nil { fields.note("cursor", "is not a cursor of this list") }
            return list
        }
    }
}

/// Where a page of reservations ended.
struct ReservationCursor: Sendable {
    /// Microseconds since 1970: PostgreSQL's precision.
    let at: Int
    let order: UUID

    init?(_ parts: [String]) {
        guard parts.count == 2, let at = parts.first.flatMap({ Int($0) }), let order = parts.last.flatMap(UUID.init(uuidString:)) else { return nil }
        (self.at, self.order) = (at, order)
    }
}

/// Stock that is reserved for an order which has not settled yet.
struct ReservationView: Sendable, Codable {
    @PublicID var orderId: UUID
    let quantity: Int
    let at: Date
}

extension Stock {
    func reservations(_ items: [IncomingMessage<ListReservations>], on connection: any SQLConnection) async throws -> [Outcome] {
        let known = try await StockStore.levels(items.map(\.input.sku), on: connection)
        var outcomes: [Outcome] = []
        for item in items {
            guard known[item.input.sku] != nil else {
                outcomes.append(.refused(.notFound("SKU")))
                continue
            }
            let rows = try await StockStore.reservations(item.input, on: connection)
            let page = try Page(rows, item.input.page, item: { $0.view }, key: { $0.cursor })
            outcomes.append(.done(try Reply(json: page)))
        }
        return outcomes
    }
}

extension StockStore {
    /// Newest first. One more than the page holds, if there are more.
    static func reservations(_ list: ListReservations, on connection: any SQLConnection) async throws -> [(view: ReservationView, cursor: [String])] {
        let after = list.page.after.flatMap(ReservationCursor.init)
        let start: SQL = after.map { "AND (micros, order_id) < (\($0.at), \($0.order))" } ?? ""
        let rows = try await connection.query(
            """
            SELECT order_id, quantity, at, micros
            FROM (
                SELECT order_id, quantity, at, (extract(epoch FROM at) * 1000000)::bigint AS micros
                FROM reservations, unnest(skus, quantities) AS line (sku, quantity)
                WHERE state = 'reserved' AND skus @> ARRAY[\(list.sku)] AND line.sku = \(list.sku)
            ) AS open
            WHERE true \(start)
            ORDER BY micros DESC, order_id DESC LIMIT \(list.page.limit + 1)
            """)
        return try rows.map { row in
            let view = ReservationView(orderId: try row.decode("order_id"), quantity: try row.decode("quantity"), at: try row.decode("at"))
            return (view, [String(try row.decode("micros", as: Int.self)), view.orderId.lowerCaseText])
        }
    }
}
