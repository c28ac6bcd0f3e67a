import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import Catalog
@testable import Input
@testable import Messaging
@testable import ServiceKit

/// Asks the catalog as administrators and customers do.
struct Shop {
    let harness: ServiceHarness
    let admin = Caller(id: UUID(), role: .admin)

    init() async throws {
        let clock = SetClock()
        harness = try await ServiceHarness(
            CatalogService.definition(clock: clock, randomness: TestRandomness()), CatalogService.migrations, clock: clock, keepsToIndexes: true)
    }

    func request(_ operation: String, _ body: String = "", _ parameters: [String: String] = [:], caller: Caller? = nil) throws -> Request {
        var request = try Request("catalog.\(operation)", parameters: parameters, caller: caller ?? admin)
        request.body = Array(body.utf8)
        return request
    }

    func new(_ sku: String, _ name: String = "Tea", more: String = "") throws -> Request {
        try request("products.create", #"{"sku": "\#(sku)", "name": "\#(name)", "price": {"amount": 100, "currency": "EUR"}\#(more)}"#)
    }

    func create(_ sku: String, _ name: String = "Tea", more: String = "") async throws -> ProductView {
        let reply = try await harness.send(try new(sku, name, more: more))
        #expect(reply.status == 201)
        return try reply.decoded()
    }

    func change(_ id: UUID, _ body: String, ifMatch: String? = nil) async throws -> Reply {
        var parameters = ["idOrSlug": id.uuidString]
        parameters["if-match"] = ifMatch
        return try await harness.send(try request("products.update", body, parameters))
    }

    func archive(_ id: UUID) async throws -> Reply {
        try await harness.send(try request("products.archive", "", ["idOrSlug": id.uuidString]))
    }

    func get(_ key: String) async throws -> Reply {
        try await harness.ask(try request("products.get", "", ["idOrSlug": key]))
    }

    func find(_ parameters: [String: String], as caller: Caller? = nil) async throws -> [String] {
        let reply = try await harness.ask(try request("products.list", "", parameters, caller: caller))
        return try reply.decoded(Page<ProductView>.self).items.map(\.sku).sorted()
    }
}

func fields(_ reply: Reply) -> [String] { reply.problem?.errors?.map(\.field) ?? [] }
