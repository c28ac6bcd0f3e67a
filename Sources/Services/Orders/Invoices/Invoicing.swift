import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL

/// `orders.invoices.get`: the invoice as an HTML page, to be printed or saved as PDF by a browser. It is generated from the order each time.
struct Invoicing: Sendable {
    /// The page loads nothing, runs nothing, and cannot be embedded in another page.
    private static let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    let shop: String?

    func get(_ items: [IncomingMessage<GetOrder>], on connection: any SQLConnection) async throws -> [Outcome] {
        let orders = try await Store.find(items.map(\.input.id), on: connection)
        return try items.map { item in
            guard let order = orders[item.input.id], item.input.mayRead(order, item.request.caller) else { return .refused(.notFound("order")) }
            guard order.checkout.orderState == "confirmed" else {
                return .refused(.conflict("no-invoice", "Only confirmed orders have an invoice; this one is \(order.state)."))
            }
            let invoice = Invoice(order: try order.view, language: .init(locale: order.locale), shop: shop)
            let headers = ["content-type": "text/html; charset=utf-8", "content-security-policy": Self.policy, "content-language": invoice.language.rawValue]
            return .done(Reply(status: 200, headers: headers, body: Array(invoice.html.utf8)))
        }
    }
}
