import Contracts
import Input
import Messaging
import PostgreSQL

/// A request for a list about one SKU.
struct StockList<Cursor: PageCursor>: Sendable {
    let sku: String
    let page: PageRequest
    let after: Cursor?

    static func read(_ request: Request) throws -> StockList {
        try Fields.read(request) { fields in
            let sku = fields.parameter("sku", 1...64)
            let page = fields.page(of: sku)
            return StockList(sku: sku, page: page, after: fields.position(page))
        }
    }
}

/// A row of such a list: what is shown, and the key of a cursor that continues after it.
typealias StockListRow<View> = (view: View, cursor: [String])

extension Stock {
    /// - Parameter rows: Returns one row more than the page holds, if there are more.
    func list<Cursor, View: Codable & Sendable>(
        _ items: [IncomingMessage<StockList<Cursor>>], on connection: any SQLConnection,
        rows: (StockList<Cursor>, any SQLConnection) async throws -> [StockListRow<View>]
    ) async throws -> [Outcome] {
        let known = try await StockStore.levels(items.map(\.input.sku), on: connection)
        var outcomes: [Outcome] = []
        for item in items {
            guard known[item.input.sku] != nil else {
                outcomes.append(.refused(.notFound("SKU")))
                continue
            }
            let page = try Page(try await rows(item.input, connection), item.input.page, item: { $0.view }, key: { $0.cursor })
            outcomes.append(.done(try Reply(json: page)))
        }
        return outcomes
    }
}
