import Carts
import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import JSON
@testable import Messaging
@testable import ServiceKit

/// A cart whose order was given up is open again.
@Suite struct ReopeningTests {
    private let customer = UUID()

    private func carts() async throws -> ServiceHarness {
        let clock = SetClock()
        let definition = CartsService.definition(ask: { _, _, _ in Reply(status: 503) }, clock: clock, randomness: TestRandomness())
        return try await ServiceHarness(definition, CartsService.migrations, clock: clock)
    }

    private func insert(_ cart: UUID, closedBy order: UUID?, into carts: ServiceHarness) async throws {
        _ = try await carts.database.withConnection { connection in
            try await connection.execute(
                """
                INSERT INTO carts (id, customer_id, order_id, expires_at)
                VALUES (\(cart), \(customer), \(order), \(carts.clock.now().addingTimeInterval(1_000)))
                """)
        }
    }

    private func reopen(_ cart: UUID, of order: UUID) throws -> Request {
        try Request(MessageName.reopenCart, sending: ReopenCart(orderID: order, cartID: cart))
    }

    private func open(_ carts: ServiceHarness) async throws -> Int {
        try await carts.count("SELECT count(*) FROM carts WHERE order_id IS NULL")
    }

    @Test func `a cart is reopened by the order that closed it, and by no other`() async throws {
        let carts = try await carts()
        let (cart, order) = (UUID(), UUID())
        try await insert(cart, closedBy: order, into: carts)
        #expect(await carts.send([try reopen(cart, of: UUID())])[0].outputs.map(\.key) == [MessageName.advance])
        #expect(try await open(carts) == 0)
        #expect(await carts.send([try reopen(cart, of: order)])[0].outputs.map(\.key) == [MessageName.advance])
        #expect(try await open(carts) == 1)
        #expect(await carts.send([try reopen(UUID(), of: order)])[0].outputs.map(\.key) == [MessageName.advance], "it may be gone")
        await carts.database.close()
    }

    @Test func `a customer with another open cart has both, and the newer one stays current`() async throws {
        let carts = try await carts()
        let (cart, order, current) = (UUID(), UUID(), UUID())
        try await insert(cart, closedBy: order, into: carts)
        try await insert(current, closedBy: nil, into: carts)
        #expect(await carts.send([try reopen(cart, of: order)])[0].failure == nil)
        #expect(try await open(carts) == 2)
        let found = try await carts.database.withConnection {
            try await $0.query("SELECT id FROM carts WHERE order_id IS NULL AND NOT is_aside")
        }
        #expect(try found.map { try $0.decode("id", as: UUID.self) } == [current])
        await carts.database.close()
    }
}
