import FoundationEssentials
import JSON
import Testing

@testable import Catalog
@testable import Input
@testable import Messaging
@testable import ServiceKit

@Suite struct `Reading ahead` {
    private let file = Array("sku,name,amount,currency\nA,Tea,100,EUR\nB,Cup,,EUR\nC D,Pot,100,EUR\n".utf8)

    private func part(_ form: AmountReader.Form? = nil) throws -> ImportPart {
        let request = try Request(
            "catalog.imports.create", parameters: ["kind": "products", "content-type": "text/csv", "upload": UUID().uuidString])
        var create = request
        create.body = Array(#"{"bytes": \#(file.count)}"#.utf8)
        var job = ImportJob(try NewImport.read(create), by: nil, now: .distantPast)
        job.reader.amounts = form
        return try ImportPart(of: file, job, ImportProducts(randomness: TestRandomness()), now: .distantPast)
    }

    @Test func `a part that was read ahead is taken once, by its import, from where it begins`() throws {
        let ahead = ReadAhead()
        let part = try part()
        #expect(part.rows.count == 3 && part.isEnd(fileBytes: file.count))
        let id = UUID()
        ahead.keep(part, of: id)
        #expect(ahead.take(UUID(), behind: part.before)?.rows == nil)
        ahead.keep(part, of: id)
        #expect(ahead.take(id, behind: part.after)?.rows == nil)
        ahead.keep(part, of: id)
        var settled = part.before
        settled.amounts = .minorUnits
        #expect(ahead.take(id, behind: settled)?.rows == part.rows)
        #expect(ahead.take(id, behind: settled)?.rows == nil)
    }

    @Test func `rows in which nothing is wrong are products already, with what their amounts mean`() throws {
        let part = try part()
        #expect(part.new.keys.sorted() == [2])
        #expect(part.keyed.map(\.key) == ["A", "B"] && part.unkeyed.map(\.line) == [4])
        #expect(part.amounts == .minorUnits)
        #expect(try self.part(.decimals).new.isEmpty)
    }
}
