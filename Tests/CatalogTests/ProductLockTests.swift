import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import Catalog
@testable import JSON
@testable import Messaging
@testable import ServiceKit

@Suite struct ProductLockTests {
    @Test func `of two changes of a product under one If-Match at once the second is rejected`() async throws {
        let clock = SetClock()
        let service = try await ServiceHarness(
            CatalogService.definition(clock: clock, randomness: TestRandomness()), CatalogService.migrations, clock: clock)
        let admin = Caller(id: UUID(), role: .admin)
        func request(_ operation: String, _ body: String, _ parameters: [String: String] = [:]) throws -> Request {
            var request = try Request(operation, parameters: parameters, caller: admin)
            request.body = Array(body.utf8)
            return request
        }
        let created = try await service.send(
            request("catalog.products.create", #"{"sku": "tea", "name": "Tea", "price": {"amount": 100, "currency": "EUR"}}"#))
        let tag = try #require(created.headers["etag"])
        let parameters = ["idOrSlug": try created.decoded(ProductView.self).id.uuidString, "if-match": tag]
        let dearer = try request("catalog.products.update", #"{"price": {"amount": 200, "currency": "EUR"}}"#, parameters)
        let cheaper = try request("catalog.products.update", #"{"price": {"amount": 50, "currency": "EUR"}}"#, parameters)
        let (first, second) = try await StandOff(database: service.database, hold: "SELECT FROM products FOR UPDATE").results {
            try await service.send(dearer)
        } then: {
            try await service.send(cheaper)
        }
        #expect([first.status, second.status] == [200, 412])
        await service.database.close()
    }

    @Test func `sold stock is released when its order is given up after all, and only once`() async throws {
        let clock = SetClock()
        let service = try await ServiceHarness(
            CatalogService.definition(clock: clock, randomness: TestRandomness()), CatalogService.migrations, clock: clock)
        try await service.database.withConnection { _ = try await $0.execute("INSERT INTO stock (sku, on_hand) VALUES ('tea', 5)") }
        let order = UUID()
        let reserve = ReserveStock(orderID: order, lines: [.init(sku: "tea", quantity: 2)])
        let end = try JSON.encode(SettleReservation(orderID: order))
        _ = await service.send([try Request(MessageName.reserve, sending: reserve)])
        _ = await service.send([Request(id: UUID(), operation: MessageName.commit, body: end)])
        #expect(try await service.count("SELECT on_hand FROM stock") == 3)
        for operation in [MessageName.release, MessageName.release, MessageName.commit] {
            #expect(await service.send([Request(id: UUID(), operation: operation, body: end)])[0].failure == nil)
            #expect(try await service.count("SELECT on_hand FROM stock WHERE reserved = 0") == 5)
        }
        await service.database.close()
    }
}
