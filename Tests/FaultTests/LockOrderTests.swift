import Carts
import Contracts
import FoundationEssentials
import Orders
import PostgreSQL
import Testing

@testable import JSON
@testable import Messaging
@testable import ServiceKit

/// Two workers whose batches affect the same rows, in opposite orders. A deadlock loses nothing, as PostgreSQL ends one of the two and its messages
/// are handled one by one, but both stand still for a second.
@Suite struct LockOrderTests {
    private static let ids = [UUID(uuidString: "00000000-0000-4000-8000-000000000001"), UUID(uuidString: "00000000-0000-4000-8000-000000000002")]
        .compactMap(\.self)

    @Test func `two workers that hold the same messages in opposite orders do not deadlock`() async throws {
        let harness = try await orders()
        let batch = try Self.ids.map { try wait($0) }
        let locks: SQL = "SELECT pg_advisory_xact_lock(hashtextextended('orders' || id::text, 0)) FROM unnest(\(batch.map(\.id))) AS id"
        #expect(try await deadlocks(of: harness, holding: locks, batch, batch.reversed()) == 0)
    }

    @Test func `batches that move and await the same checkouts in opposite orders do not deadlock`() async throws {
        let harness = try await orders()
        let (one, two) = (Self.ids[0], Self.ids[1])
        let first = [try advance(one), try wait(two)]
        let second = [try advance(two), try wait(one)]
        #expect(try await deadlocks(of: harness, holding: "SELECT FROM checkouts FOR UPDATE", first, second) == 0)
    }

    @Test func `batches that move the same checkouts in opposite orders do not deadlock`() async throws {
        let harness = try await orders()
        let first = try Self.ids.map { try advance($0) }
        let second = try Self.ids.reversed().map { try advance($0) }
        #expect(try await deadlocks(of: harness, holding: "SELECT FROM checkouts FOR UPDATE", first, second) == 0)
    }

    @Test func `batches that empty and delete the same carts in opposite orders do not deadlock`() async throws {
        let harness = try await carts()
        let (one, two) = (Self.ids[0], Self.ids[1])
        let first = [try change("carts.items.delete", one), try change("carts.carts.delete", two)]
        let second = [try change("carts.items.delete", two), try change("carts.carts.delete", one)]
        #expect(try await deadlocks(of: harness, holding: "SELECT FROM carts FOR UPDATE", first, second) == 0)
    }

    /// PostgreSQL's count of deadlocks after both batches have waited for the locks of `lock`, and were released at once.
    private func deadlocks(of harness: ServiceHarness, holding lock: SQL, _ first: [Request], _ second: [Request]) async throws -> Int? {
        try await StandOff(database: harness.database, hold: lock).deadlocks {
            _ = await harness.send(first)
        } and: {
            _ = await harness.send(second)
        }
    }

    /// Two orders, whose stock is being reserved.
    private func orders() async throws -> ServiceHarness {
        let clock = SetClock()
        let harness = try await ServiceHarness(OrdersService.definition(clock: clock), OrdersService.migrations, clock: clock)
        let address = Address(name: "C", line1: "1", line2: nil, city: "B", postalCode: "1", country: "DE")
        let line = OrderLine(sku: "tea", name: "Tea", quantity: 1, unitPrice: Money(amount: 100, currency: "EUR"))
        for id in Self.ids {
            let order = PlaceOrder(
                orderID: id, cartID: UUID(), customerID: nil, email: "c@wharf.example", shippingAddress: address,
                payment: PaymentChoice(gateway: .stripe, paymentMethod: "pm_card_visa"), lines: [line], total: line.lineTotal)
            let placed = try await harness.send(try Request(MessageName.place, sending: order))
            #expect(placed.status == 202)
        }
        return harness
    }

    /// Two carts with a pot of tea in each.
    private func carts() async throws -> ServiceHarness {
        let clock = SetClock()
        let definition = CartsService.definition(
            ask: { _, _, _ in Reply(status: 503) }, clock: clock, randomness: TestRandomness())
        let harness = try await ServiceHarness(definition, CartsService.migrations, clock: clock)
        try await harness.database.withConnection { connection in
            try await connection.execute(
                "INSERT INTO carts (id, expires_at) SELECT id, \(clock.now().addingTimeInterval(1_000)) FROM unnest(\(Self.ids)) AS id")
            try await connection.execute(
                """
                INSERT INTO cart_items (cart_id, sku, name, quantity, unit_price, currency)
                SELECT id, 'tea', 'Tea', 1, 100, 'EUR' FROM unnest(\(Self.ids)) AS id
                """)
        }
        return harness
    }

    private func advance(_ order: UUID) throws -> Request {
        try Request(MessageName.advance, sending: CheckoutEvent(orderID: order, kind: .stockReserved))
    }

    private func wait(_ order: UUID) throws -> Request {
        Request(
            id: UUID(), operation: MessageName.waitForOrder, body: Array(#"{"order":{"id":"\#(order.uuidString)"}}"#.utf8),
            requester: Requester(replyTo: "replies.test", correlationID: order.uuidString))
    }

    private func change(_ operation: String, _ cart: UUID) throws -> Request {
        Request(id: UUID(), operation: operation, parameters: ["id": cart.uuidString, "sku": "tea"])
    }
}
