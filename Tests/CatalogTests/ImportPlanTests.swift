import PostgreSQL
import TestKit
import Testing

@testable import Catalog
@testable import Messaging
@testable import ServiceKit

@Suite struct `Plans of imports` {
    /// Entries of all indexes of products that may be read for one row.
    private static let entriesPerRow = 50

    /// What the sessions have counted; each reports it a second later at most, with its next transaction.
    private func entriesRead(_ shop: Shop) async throws -> Int {
        try await shop.harness.count("SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes WHERE relname = 'products' AND schemaname = current_schema()")
    }

    /// The first step is planned for a catalogue of one product.
    @Test func `an import that makes a small catalogue large reads a few entries of its indexes for each row, and so do its readers`() async throws {
        let shop = try await Shop()
        let known = try await shop.create("KNOWN")
        #expect(try await shop.get(known.slug).status == 200)
        let count = Imports.batchRows + 1_000
        let rows = (0..<count).map { "S-\($0),Tea \($0),100,EUR" }.joined(separator: "\n")
        let view = try await shop.importing("sku,name,amount,currency\n\(rows)\n", piece: 100_000)
        #expect(view.changed == count)
        try await eventually("The sessions have reported") {
            _ = try await shop.get(known.slug)
            return try await entriesRead(shop) >= count
        }
        #expect(try await entriesRead(shop) < count * Self.entriesPerRow)
        let before = try await entriesRead(shop)
        for _ in 0..<20 { #expect(try await shop.get(known.slug).status == 200) }
        #expect(try await entriesRead(shop) - before < count)
        await shop.harness.database.close()
    }
}
