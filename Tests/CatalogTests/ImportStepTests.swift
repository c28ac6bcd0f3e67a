import Contracts
import FoundationEssentials
import JSON
import PostgreSQL
import Testing

@testable import Catalog
@testable import Messaging
@testable import ServiceKit

@Suite struct `Steps of imports` {
    /// Two lines with it fill what a step reads.
    private static let note = String(repeating: "n", count: 250_000)

    @Test func `a row that repeats a key of an earlier step is rejected, and the reason names the earlier line`() async throws {
        let shop = try await Shop()
        let rows = ["A,100", "B,", "C,100", "A,200", "D,100", "B,100", "A,300", "E,100", "E,200"]
        let file = "sku,amount,name,currency,note\n" + rows.map { "\($0),Tea,EUR,\(Self.note)\n" }.joined()
        let view = try await shop.importing(file, piece: 200_000)
        #expect([view.rows, view.accepted, view.changed, view.rejectedRows] == [9, 4, 4, 5])
        #expect(
            view.rejected.map { "\($0.line) \($0.column ?? "") \($0.reason)" } == [
                "3 amount is required for a new product", "5 sku is already in line 2", "7 sku is already in line 3", "8 sku is already in line 2", "10 sku is already in line 9",
            ])
        #expect(try await shop.product("A").price.amount == 100)
        await shop.harness.database.close()
    }

    @Test func `after a crash of the database has lost steps, the message of a later step continues with the first one lost`() async throws {
        let shop = try await Shop()
        let (id, _) = try await shop.upload(Array("sku,stock\nA,1\n".utf8), kind: "stock")
        let later = try shop.request("imports.advance", #"{"importID": "\#(id.uuidString)", "step": 2}"#)
        let result = await shop.harness.send([later])[0]
        let next = try #require(result.outputs.first { $0.key == MessageName.advanceImport })
        #expect(try JSON.decode(AdvanceImport.self, from: next.body).step == 0)
        #expect(try await shop.shown(id).state == .running)
        try await shop.step(id, 0)
        #expect(try await shop.shown(id).state == .done)
        // It has ended, so there is nothing to continue.
        let last = try shop.request("imports.advance", #"{"importID": "\#(id.uuidString)", "step": 3}"#)
        #expect(await shop.harness.send([last])[0].outputs.allSatisfy { $0.key != MessageName.advanceImport })
        await shop.harness.database.close()
    }

    @Test func `a step that commits ahead does not wait for the disk, and later transactions do`() async throws {
        let shop = try await Shop()
        let setting = try await shop.harness.database.transaction { transaction in
            try await ImportStore.commitAhead(on: transaction)
            return try await transaction.query("SELECT current_setting('synchronous_commit') AS setting").first?.decode("setting", as: String.self)
        }
        #expect(setting == "off")
        let usual = try await shop.harness.database.withConnection { connection in
            try await connection.query("SELECT current_setting('synchronous_commit') AS setting").first?.decode("setting", as: String.self)
        }
        #expect(usual == "on")
        await shop.harness.database.close()
    }
}
