import FoundationEssentials
import PostgreSQL
import Testing

@testable import Catalog
@testable import Messaging
@testable import ServiceKit

@Suite struct `Turns of imports` {
    private static let severalBatches = 2 * Imports.batchRows + 200

    @Test func `each message acts once, and whoever comes next goes on where the last one was`() async throws {
        let shop = try await Shop()
        // The first row of each step is rejected: a step that has decided row by row is the last of its transaction.
        let rows = (0..<Self.severalBatches).map { "S-\($0),Tea \($0),\($0.isMultiple(of: Imports.batchRows) ? "" : "100"),EUR" }.joined(separator: "\n")
        let accepted = Self.severalBatches - 3
        let (id, _) = try await shop.upload(Array("sku,name,amount,currency\n\(rows)".utf8), piece: 10_000)
        try await shop.step(id, 0)
        let first = try await shop.shown(id)
        #expect(first.rows == Imports.batchRows && first.state == .running)
        try await shop.step(id, 0)
        try await shop.step(id, 5)
        #expect(try await shop.shown(id).rows == Imports.batchRows)
        // The message of the next step is lost; the poller finds the import.
        shop.harness.clock.advance(by: Imports.stalledAfter + 1)
        let found = try await shop.harness.database.transaction { try await Imports(clock: shop.harness.clock, randomness: TestRandomness()).findDue(on: $0) }
        #expect(found.count == 1)
        _ = try await shop.harness.send(try shop.request("imports.advance", String(decoding: try #require(found.first).body, as: UTF8.self)))
        try await shop.step(id, 2)
        let done = try await shop.shown(id)
        #expect(done.state == .done && done.accepted == accepted)
        #expect(try await shop.harness.count("SELECT count(*) FROM products") == accepted)
        #expect(try await shop.harness.count("SELECT count(*) FROM import_pieces") == 0)
        #expect(try await shop.harness.count("SELECT count(*) FROM import_keys") == 0)
        await shop.harness.database.close()
    }

    @Test func `of several imports in a batch, the one that has taken the fewest steps takes one`() async throws {
        let shop = try await Shop()
        // The first row is rejected: a step that has decided row by row is the last of its transaction.
        let rows = (0...Imports.batchRows).map { "S-\($0),Tea \($0),\($0 == 0 ? "" : "100"),EUR" }.joined(separator: "\n")
        let file = Array("sku,name,amount,currency\n\(rows)".utf8)
        let (first, second) = (try await shop.upload(file, piece: 100_000).0, try await shop.upload(file, piece: 100_000).0)
        func advance(_ id: UUID, _ step: Int) throws -> Request { try shop.request("imports.advance", #"{"importID": "\#(id.uuidString)", "step": \#(step)}"#) }
        let results = await shop.harness.send([try advance(first, 0), try advance(second, 0)])
        #expect(try await [shop.shown(first).rows, shop.shown(second).rows] == [Imports.batchRows, 0])
        // The message of the other one goes round.
        #expect(results.map { $0.outputs.first.map { String(decoding: $0.body, as: UTF8.self).contains(#""step":0"#) } } == [false, true])
        _ = await shop.harness.send([try advance(first, 1), try advance(second, 0)])
        #expect(try await [shop.shown(first).rows, shop.shown(second).rows] == [Imports.batchRows, Imports.batchRows])
        await shop.harness.database.close()
    }
}
