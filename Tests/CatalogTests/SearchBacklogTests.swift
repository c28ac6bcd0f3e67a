import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import Catalog
@testable import Input
@testable import JSON
@testable import Messaging
@testable import ServiceKit

/// Search documents of imported products are written after the import's transaction.
@Suite struct `The search backlog` {
    /// Does what the poller of a worker does until it finds nothing. Returns how often it found something.
    private func catchUp(_ shop: Shop) async throws -> Int {
        let poller = try #require(CatalogService.definition(clock: shop.harness.clock, randomness: TestRandomness()).pollers.first { $0.name == "search documents" })
        #expect(poller.repeats)
        var rounds = 0
        while case let sent = try await shop.harness.database.transaction({ try await poller.find($0) }), !sent.isEmpty {
            #expect(sent.map(\.key) == [MessageName.catalogChanged])
            rounds += 1
        }
        return rounds
    }

    @Test func `an imported product is in lists at once, and in searches once its document is written`() async throws {
        let shop = try await Shop()
        let rows = (0..<600).map { "S-\($0),Kettle \($0),100,EUR" }.joined(separator: "\n")
        _ = try await shop.importing("sku,name,amount,currency\n\(rows)\n", piece: 10_000)
        #expect(try await shop.harness.count("SELECT count(*) FROM products") == 600)
        #expect(try await shop.find(["search": "kettle"]) == [])
        #expect(try await catchUp(shop) == 2)
        #expect(try await shop.find(["search": "kettle", "limit": "100"]).count == 100)
        #expect(try await catchUp(shop) == 0)
        // Changed by an import, by an administrator, and renamed with its category.
        let name = try await shop.importing("sku,name,category\nS-1,Samovar,tea\n")
        #expect(name.changed == 1)
        #expect(try await catchUp(shop) == 1)
        #expect(try await shop.find(["search": "samovar"]) == ["S-1"])
        _ = try await shop.importing("slug,name\ntea,Chai\n", kind: "categories")
        #expect(try await catchUp(shop) == 1)
        #expect(try await shop.find(["search": "chai"]) == ["S-1"])
        let id = try await shop.product("S-1").id
        #expect(try await shop.change(id, #"{"name": "Urn"}"#).status == 200)
        #expect(try await shop.find(["search": "urn"]) == ["S-1"])
        await shop.harness.database.close()
    }

    @Test func `a dry run leaves nothing to be written`() async throws {
        let shop = try await Shop()
        _ = try await shop.importing("sku,name,amount,currency\nA,Tea,1,EUR\n", ["dryRun": "true"])
        #expect(try await catchUp(shop) == 0)
        await shop.harness.database.close()
    }

    @Test func `an import that is too far ahead writes documents before it goes on`() async throws {
        let shop = try await Shop()
        try await shop.harness.database.withConnection { connection in
            _ = try await connection.execute("INSERT INTO search_backlog (products) SELECT '{}' FROM generate_series(1, \(SearchBacklog.maximumEntries + 1))")
        }
        let (id, _) = try await shop.upload(Array("sku,name,amount,currency\nA,Tea,1,EUR\n".utf8))
        try await shop.step(id, 0)
        #expect(try await shop.shown(id).rows == 0)
        #expect(try await shop.harness.count("SELECT count(*) FROM search_backlog") == SearchBacklog.maximumEntries)
        try await shop.step(id, 1)
        #expect(try await shop.shown(id).state == .done)
        await shop.harness.database.close()
    }

    @Test func `documents wait while an import runs, unless it is too far ahead or has stopped`() async throws {
        let shop = try await Shop()
        // The first row is rejected, so the step decides row by row. Such a step is the last of its transaction.
        let rows = (0...Imports.batchRows).map { "S-\($0),Kettle,\($0 == 0 ? "" : "100"),EUR" }.joined(separator: "\n")
        let (id, _) = try await shop.upload(Array("sku,name,amount,currency\n\(rows)\n".utf8), piece: 100_000)
        try await shop.step(id, 0)
        #expect(try await shop.shown(id).state == .running)
        #expect(try await catchUp(shop) == 0)
        try await shop.harness.database.withConnection { connection in
            _ = try await connection.execute("INSERT INTO search_backlog (products) SELECT '{}' FROM generate_series(1, \(SearchBacklog.maximumEntries))")
        }
        #expect(try await catchUp(shop) > 0)
        #expect(try await shop.harness.count("SELECT count(*) FROM search_backlog") == SearchBacklog.maximumEntries)
        shop.harness.clock.advance(by: SearchBacklog.importPause + 1)
        #expect(try await catchUp(shop) == SearchBacklog.maximumEntries)
        await shop.harness.database.close()
    }

    @Test func `documents are written by one transaction at a time, so that none holds rows that another needs`() async throws {
        let shop = try await Shop()
        let ids = [try await shop.create("A").id, try await shop.create("B").id]
        try await shop.harness.database.withConnection { connection in
            _ = try await connection.execute("INSERT INTO search_backlog (products) VALUES (\(ids))")
        }
        let change = try shop.request("products.update", #"{"name": "Chai"}"#, ["idOrSlug": try #require(ids.first).uuidString])
        // It goes on only when both wait for the lock.
        let lock: SQL = "SELECT pg_advisory_xact_lock(hashtextextended('catalog.search', 0))"
        let (changed, written) = try await StandOff(database: shop.harness.database, hold: lock).results {
            try await shop.harness.send(change).status == 200
        } then: {
            try await shop.harness.database.transaction { try await SearchBacklog.work(on: $0) }
        }
        #expect(changed && written)
        #expect(try await shop.find(["search": "chai"]) == ["A"])
        await shop.harness.database.close()
    }
}
