import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import Catalog
@testable import Input
@testable import JSON
@testable import Messaging
@testable import ServiceKit

/// The short way for rows of printable ASCII.
@Suite struct `Plain rows` {
    private static let id = UUID()

    private func read(_ object: [String: JSONValue]) throws -> ImportedProduct {
        try Fields.read(Request(id: Self.id, operation: MessageName.advanceImport, body: try JSON.encode(object))) { ImportedProduct.read(Self.id, &$0) }
    }

    /// Values of a field: accepted, normalised, and rejected.
    private static let texts: [JSONValue] = [
        "Tea", "T", "a b  c", "~!\"\\/<>&'", "", " ", " Tea", "Tea ", "Te\na", "Te\ta", "Te\u{0}a", "Te\u{7F}a", "Te\u{7}a", "é", "e\u{301}", "\u{202E}Tea",
        .string(String(repeating: "x", count: 100)), .string(String(repeating: "x", count: 101)), .string(String(repeating: "x", count: 200)),
        .string(String(repeating: "x", count: 201)), .string(String(repeating: "x", count: 10_001)), .null, .integer(1), .array([]),
    ]
    private static let values: [String: [JSONValue]] = [
        "name": texts, "description": texts, "brand": texts, "category": texts, "slug": texts, "unknown": ["x"],
        "categories": texts.map { .array([$0, "shoes", "shoes"]) } + [.array([]), .array((0..<30).map { .string("c\($0)") }), "shoes", .null],
        "attributes": texts.map { .object(["colour": $0, "size": "L"]) } + [.object([:]), .object([" ": "x"]), .object(["\u{7}": "x"]), .null, "x"]
            + [.object(Dictionary(uniqueKeysWithValues: (0..<200).map { ("name \($0)", .string(String(repeating: "\"", count: 60))) }))],
        "price": [("EUR", 100), ("EUR", -1), ("EUR", 100_000_000), ("eur", 1), ("EURO", 1), ("E R", 1), ("", 1)].map { .object(["amount": .integer($1), "currency": .string($0)]) }
            + [.object(["amount": .integer(1)]), .object(["currency": "EUR"]), .object(["amount": "1", "currency": "EUR"]), .object(["amount": .integer(1), "currency": "EUR", "x": .null]), .null],
        "stock": [.integer(0), .integer(-1), .integer(100_000_000), .integer(100_000_001), "7", .null],
        "images": [.array([]), .array(["/a.jpg"]), .array(["nonsense"])],
    ]

    @Test func `the short way reads a row as its fields are read, or leaves it to them`() throws {
        var taken = 0
        for (name, values) in Self.values {
            for value in values {
                for (other, more) in Self.values where other != name {
                    for neighbour in more.prefix(3) {
                        let object = ["sku": "A-1", name: value, other: neighbour]
                        guard let plain = ImportedProduct(Self.id, plain: object) else { continue }
                        taken += 1
                        #expect(try plain == read(object), "\(object)")
                    }
                }
            }
        }
        #expect(taken > 500)
    }

    @Test func `rows of plain text take the short way`() {
        let row: [String: JSONValue] = [
            "sku": "A-1", "name": "Red shoe, size 42", "description": "", "brand": "Harbour", "category": "shoes", "price": .object(["amount": .integer(5_990), "currency": "EUR"]),
            "stock": .integer(25), "attributes": .object(["colour": "red"]),
        ]
        #expect(ImportedProduct(Self.id, plain: row) != nil)
        #expect(ImportedProduct(Self.id, plain: row.merging(["name": "Rød sko"]) { $1 }) == nil)
    }
}

@Suite struct `Rejections beyond what is kept` {
    @Test func `are counted, and the list says how many there are`() async throws {
        let shop = try await Shop()
        let (id, _) = try await shop.upload(Array("sku,name,amount,currency\nA,Tea,100,EUR\n".utf8))
        let rejections = (1...5).map { Rejection(line: $0, "is wrong") }
        let dropped = try await shop.harness.database.transaction { transaction in
            let first = try await ImportStore.add(Array(rejections.prefix(3)), to: id, keeping: 4, on: transaction)
            let second = try await ImportStore.add(Array(rejections.suffix(2)), to: id, keeping: 4, on: transaction)
            let third = try await ImportStore.add(rejections, to: id, keeping: 4, on: transaction)
            try await transaction.execute("UPDATE imports SET unlisted = \(first + second + third) WHERE id = \(id)")
            return [first, second, third]
        }
        #expect(dropped == [0, 1, 5])
        let view = try await shop.shown(id)
        #expect(view.unlisted == 6)
        #expect(view.rejected.map(\.line) == [1, 2, 3, 4])
        let list = try await shop.harness.ask(try shop.request("imports.rejected", "", ["id": id.uuidString]))
        #expect(String(decoding: list.body, as: UTF8.self).hasSuffix("4,,,is wrong\r\n,,,\"6 more were found, and are not listed\"\r\n"))
        await shop.harness.database.close()
    }

    @Test func `do not end an import: the rows that can be taken are`() async throws {
        let shop = try await Shop()
        let view = try await shop.importing("sku,name,amount,currency\n" + (0..<3_000).map { "B \($0),Tea,100,EUR" }.joined(separator: "\n") + "\nA,Tea,100,EUR\n", piece: 100_000)
        #expect([view.rows, view.accepted, view.rejectedRows] == [3_001, 1, 3_000])
        #expect(view.state == .done && view.unlisted == nil)
        await shop.harness.database.close()
    }
}
