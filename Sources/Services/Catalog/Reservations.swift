import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Secrets

/// Where a page of reservations ended.
struct ReservationCursor: PageCursor {
    /// Microseconds since 1970: PostgreSQL's precision.
    let at: Int
    let order: UUID

    init?(_ key: [String]) {
        guard key.count == 2, let at = key.first.flatMap({ Int($0) }), let order = key.last.flatMap(UUID.init(uuidString:)) else { return nil }
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
    func reservations(_ items: [IncomingMessage<StockList<ReservationCursor>>], on connection: any SQLConnection) async throws -> [Outcome] {
        try await list(items, on: connection, rows: StockStore.reservations)
    }
}

extension StockStore {
    /// Newest first. One more than the page holds, if there are more.
    static func reservations(_ list: StockList<ReservationCursor>, on connection: any SQLConnection) async throws -> [StockListRow<ReservationView>] {
        let start: SQL = list.after.map { "AND (micros, order_id) < (\($0.at), \($0.order))" } ?? ""
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
