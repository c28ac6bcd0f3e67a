import FoundationEssentials
import PostgreSQL
import Testing

@testable import Catalog
@testable import Messaging
@testable import ServiceKit

@Suite struct `Turns of imports` {
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
