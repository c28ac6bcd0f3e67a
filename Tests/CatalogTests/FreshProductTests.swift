import Contracts
import FoundationEssentials
import PostgreSQL
import Synchronization
import Testing

@testable import Catalog
@testable import JSON
@testable import Messaging
@testable import ServiceKit

/// If all rows of a step are new products, they take a shorter path than others.
@Suite struct `New products of an import` {
    private static let header = "sku,name,amount,currency,category,brand,stock,images,attribute.size\n"
    /// Names that one to a dozen products have. One is that of an existing product, one has no letters, and one has a first choice that is also a numbered slug of another name.
    private static let rows = (0..<60).map { number in
        let name = ["Tea", "Cup \(number % 7)", "!!!", "Tea 2", "Known", "Alone \(number)"][number % 6]
        return "S-\(number),\(name),\(100 + number),EUR,\(number % 4 == 0 ? "" : "c-\(number % 5)"),\(number % 3 == 0 ? "" : "Brand \(number % 2)"),\(number % 10),/\(number).jpg,\(number)\n"
    }
    /// A row that is rejected, so that the rows of its step take the long path.
    private static let flawed = "BAD,Bad,nothing,EUR,,,,,\n"

    private struct Content: Equatable {
        let products: [String]
        let movements: [String]
        let keys: Int
    }

    private func content(_ shop: Shop) async throws -> Content {
        try await shop.harness.database.withConnection { connection in
            let products = try await connection.query(
                """
                SELECT concat_ws('|', sku, slug, name, description, brand, price, currency, category, categories, attributes, images, on_hand, reserved, version) AS text
                FROM products JOIN stock USING (sku) WHERE sku <> 'KNOWN' ORDER BY sku
                """)
            let movements = try await connection.query(
                """
                SELECT concat_ws('|', sku, delta, kind, starts_with(reason, 'import '), by IS NOT NULL,
                                 at = (SELECT created_at FROM products WHERE sku = stock_movements.sku)) AS text
                FROM stock_movements ORDER BY id
                """)
            let keys: Int = try await connection.query("SELECT count(*) AS count FROM import_keys")[0].decode("count")
            return Content(products: try products.map { try $0.decode("text") }, movements: try movements.map { try $0.decode("text") }, keys: keys)
        }
    }

    private func shop() async throws -> Shop {
        let shop = try await Shop()
        _ = try await shop.create("KNOWN", "Known")
        return shop
    }

    @Test func `the short path creates the same products as the long one`() async throws {
        let short = try await shop()
        let view = try await short.importing(Self.header + Self.rows.joined())
        #expect([view.rows, view.accepted, view.changed, view.rejectedRows] == [60, 60, 60, 0])
        let long = try await shop()
        let other = try await long.importing(Self.header + Self.rows.joined() + Self.flawed)
        #expect([other.rows, other.accepted, other.changed, other.rejectedRows] == [61, 60, 60, 1])
        let content = try await content(short)
        #expect(content.products.count == 60 && content.movements.count == 54 && content.keys == 0)
        let expected = try await self.content(long)
        #expect(content.movements == expected.movements)
        #expect(Self.withoutIDs(content.products) == Self.withoutIDs(expected.products))
        for shop in [short, long] { await shop.harness.database.close() }
    }

    /// A slug of last resort ends with part of the product's random id.
    private static func withoutIDs(_ products: [String]) -> [String] {
        products.map { $0.replacing(#/-[0-9a-f]{12}\|/#, with: "-id|") }
    }

    @Test(arguments: ["sku", "variant", "stock", "key"]) func `a known product takes the long path, and so do the other rows of its step`(what: String) async throws {
        let shop = try await shop()
        switch what {
        case "sku": _ = try await shop.create("S-1", "Old", more: #", "description": "kept""#)
        case "variant": _ = try await shop.create("V", "Shirt", more: #", "variants": [{"sku": "S-1", "options": {"size": "S"}}]"#)
        case "stock": try await shop.harness.database.withConnection { _ = try await $0.execute("INSERT INTO stock (sku, on_hand) VALUES ('S-1', 3)") }
        default: break
        }
        let rows = Self.rows.prefix(5) + (what == "key" ? [Self.rows[1]] : [])
        let view = try await shop.importing(Self.header + rows.joined())
        let isRejected = what == "variant" || what == "key"
        #expect([view.rows, view.accepted, view.rejectedRows] == [rows.count, rows.count - (isRejected ? 1 : 0), isRejected ? 1 : 0])
        #expect(try await shop.product("S-2").available == 2)
        if what == "sku" { #expect(try await shop.product("S-1").description == "kept") }
        if what != "variant" { #expect(try await shop.harness.count("SELECT on_hand::bigint FROM stock WHERE sku = 'S-1'") == 1) }
        await shop.harness.database.close()
    }

    @Test func `if a process is killed at any statement of a step, another process takes the step, with the same result`() async throws {
        // Two rows fill the window that a step reads.
        let note = String(repeating: "n", count: 250_000)
        let file = "sku,name,amount,currency,stock,note\n" + (0..<6).map { "S-\($0),Tea,100,EUR,\($0),\(note)\n" }.joined()
        var faults = 0
        for fault in 0... {
            let shop = try await shop()
            let (id, _) = try await shop.upload(Array(file.utf8), piece: 500_000)
            let process = Process(shop, faultAt: fault)
            var failed = 0
            for step in 0..<10 where try await shop.shown(id).state == .running {
                let message = try shop.request("imports.advance", #"{"importID": "\#(id.uuidString)", "step": \#(step)}"#)
                if await process.handles(message) { continue }
                failed += 1
                #expect(await Process(shop).handles(message))
            }
            let view = try await shop.shown(id)
            #expect([view.rows, view.accepted, view.changed, view.rejectedRows] == [6, 6, 6, 0], "fault at \(fault)")
            let content = try await content(shop)
            #expect(content.products.map { $0.split(separator: "|")[1] } == ["tea", "tea-2", "tea-3", "tea-4", "tea-5", "tea-6"])
            #expect(content.movements.count == 5)
            await shop.harness.database.close()
            if failed == 0 { break }
            faults += 1
        }
        #expect(faults > 30)
    }
}

/// A worker with the database of a shop, which is killed at one of its statements.
private struct Process {
    private let operations: [String: Messaging.Operation]
    private let handler: BatchHandler

    init(_ shop: Shop, faultAt: Int = .max) {
        let clock = shop.harness.clock
        operations = Dictionary(uniqueKeysWithValues: CatalogService.definition(clock: clock, randomness: TestRandomness()).operations.map { ($0.key, $0) })
        handler = BatchHandler(inbox: Inbox(service: "catalog"), database: FaultyDatabase(base: shop.harness.database, left: FaultCounter(faultAt)), clock: clock)
    }

    func handles(_ message: Request) async -> Bool {
        if case .handled = await handler.handle([message], by: operations)[0] { true } else { false }
    }
}

private final class FaultCounter: Sendable {
    private let left: Mutex<Int>

    init(_ left: Int) { self.left = Mutex(left) }

    func count() throws {
        let isFault = left.withLock { left in
            left -= 1
            return left == -1
        }
        if isFault { throw Failure("killed", "the process was killed", remedy: .retry) }
    }
}

private struct FaultyDatabase: Database {
    let base: PostgresPool
    let left: FaultCounter

    nonisolated(nonsending) func withConnection<Result: Sendable>(_ body: nonisolated(nonsending) (any SQLConnection) async throws -> Result) async throws -> Result {
        try await base.withConnection(body)
    }

    nonisolated(nonsending) func transaction<Result: Sendable>(_ body: nonisolated(nonsending) (any SQLConnection) async throws -> Result) async throws -> Result {
        try await base.transaction { try await body(FaultyConnection(base: $0, left: left)) }
    }
}

private struct FaultyConnection: SQLConnection {
    let base: any SQLConnection
    let left: FaultCounter

    func query(_ sql: SQL) async throws -> Rows {
        try left.count()
        return try await base.query(sql)
    }

    func pipeline(_ statements: [SQL]) async throws -> [Rows] {
        try left.count()
        return try await base.pipeline(statements)
    }

    func enqueue(_ sql: SQL) async throws {
        try left.count()
        try await base.enqueue(sql)
    }
}
