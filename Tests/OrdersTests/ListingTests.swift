import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import JSON
@testable import Messaging
@testable import Orders
@testable import ServiceKit

/// Every combination of filters, compared with a plain scan of all orders.
@Suite struct ListingTests {
    private struct Known {
        let id: UUID
        let customer: UUID?
        let email: String
        let skus: Set<String>
        let at: Date
        var state = "pending"
        var number = ""
    }

    private static let customers = [UUID(), UUID()]
    private static let emails = ["ada@example.com", "adam@example.com", "Bob@example.com"]
    private static let skus = ["tea", "cup", "pot"]

    private static func order(_ place: Int, at now: Date) throws -> (Request, Known) {
        let skus = Array(skus.prefix(place % 3 + 1).suffix(place % 2 + 1))
        let lines = skus.map { OrderLine(sku: $0, name: $0, quantity: 1, unitPrice: Money(amount: 100, currency: "EUR")) }
        let known = Known(
            id: UUID(), customer: place.isMultiple(of: 4) ? nil : customers[place % 2], email: emails[place % 3], skus: Set(skus), at: now)
        let order = PlaceOrder(
            orderID: known.id, cartID: UUID(), customerID: known.customer, email: known.email,
            shippingAddress: Address(name: "C", line1: "1", city: "B", postalCode: "1", country: "DE"),
            payment: PaymentChoice(gateway: .stripe, paymentMethod: "pm_card_visa"), lines: lines, total: Money(amount: 100 * lines.count, currency: "EUR"))
        return (Request(id: UUID(), operation: MessageName.place, body: try JSON.encode(order), requester: OrderFixture.requester), known)
    }

    /// Three batches; the orders of a batch have the same time.
    private static func shop() async throws -> (order: OrderFixture, known: [Known]) {
        let order = try await OrderFixture()
        var known: [Known] = []
        for batch in 0..<3 {
            order.harness.clock.advance(by: 60)
            let placed = try (0..<8).map { try Self.order(batch * 8 + $0, at: order.harness.clock.now()) }
            for result in await order.harness.send(placed.map(\.0)) { #expect(result.failure == nil) }
            known += placed.map(\.1)
        }
        for place in known.indices {
            known[place].state = ["pending", "confirmed", "requiresAction", "rejected"][place % 4]
            let kinds: [CheckoutEvent.Kind] =
                switch place % 4 {
                case 1: [.charged]
                case 2: [.paymentActionRequired]
                case 3: [.stockShort, .cartReopened]
                default: []
                }
            for kind in kinds {
                let event = try Request(MessageName.advance, sending: CheckoutEvent(orderID: known[place].id, kind: kind))
                #expect(await order.harness.send([event])[0].failure == nil)
            }
        }
        let rows = try await order.harness.database.withConnection { [known] in try await Store.find(known.map(\.id), on: $0) }
        for place in known.indices { known[place].number = rows[known[place].id]?.number ?? "" }
        return (order, known)
    }

    private static func matches(_ one: Known, _ filter: OrderFilter) -> Bool {
        (filter.customer == nil || one.customer == filter.customer) && (filter.state == nil || one.state == filter.state)
            && (filter.number == nil || one.number == filter.number) && (filter.email.map { one.email.lowercased().hasPrefix($0) } ?? true)
            && (filter.total?.contains(100 * one.skus.count) ?? true)
            && (filter.sku.map { one.skus.contains($0) } ?? true) && (filter.since.map { one.at >= $0 } ?? true) && (filter.until.map { one.at < $0 } ?? true)
    }

    private static func filters(_ known: [Known]) -> [OrderFilter] {
        var filters = [OrderFilter()]
        func vary<Value>(_ values: [Value], _ path: WritableKeyPath<OrderFilter, Value?>) {
            filters += filters.flatMap { filter in
                values.map { value in
                    var varied = filter
                    varied[keyPath: path] = value
                    return varied
                }
            }
        }
        vary([customers[0]], \.customer)
        vary(["pending", "confirmed", "rejected"], \.state)
        vary([known[5].number], \.number)
        vary(["ada", "ada@", "b"], \.email)
        vary(["tea", "pot", "nothing"], \.sku)
        vary([150...250], \.total)
        vary([known[9].at], \.since)
        vary([known[17].at], \.until)
        return filters
    }

    /// Both ways of searching for addresses and totals: the one for rare ones, and the one for frequent ones.
    @Test(arguments: [0, 1_500]) func `all filters that are given hold, newest first, page by page`(rare: Int) async throws {
        let (order, known) = try await Self.shop()
        // The fixture's own order is not one of them.
        let own = order.id
        for table: (name: SQL, id: SQL) in [("order_skus", "order_id"), ("checkouts", "order_id"), ("orders", "id")] {
            _ = try await order.harness.database.withConnection { try await $0.query("DELETE FROM " + table.name + " WHERE " + table.id + " = \(own)") }
        }
        let filters = Self.filters(known)
        #expect(filters.count == 2_048)
        try await order.harness.database.withConnection { connection in
            for filter in filters {
                let right = known.filter { Self.matches($0, filter) }.sorted { ($1.at, $1.id) < ($0.at, $0.id) }.map(\.id)
                var (found, after): ([UUID], (Date, UUID)?) = ([], nil)
                repeat {
                    let page = try await Store.list(filter, after: after, limit: 5, rareOrders: rare, on: connection)
                    found += page.map(\.id)
                    after = page.count == 5 ? page.last.map { ($0.placedAt, $0.id) } : nil
                } while after != nil
                #expect(found == right, "\(filter)")
            }
        }
        await order.harness.database.close()
    }
}
