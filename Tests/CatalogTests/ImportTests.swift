import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import Catalog
@testable import Input
@testable import JSON
@testable import Messaging
@testable import ServiceKit

extension Shop {
    /// Sends a file as the ingress does, and the first message of its chain.
    func upload(_ file: [UInt8], kind: String = "products", type: String = "text/csv", _ more: [String: String] = [:], piece: Int = 100) async throws -> (UUID, Reply) {
        let id = UUID()
        let parameters = ["kind": kind, "content-type": type, "upload": id.uuidString].merging(more) { $1 }
        for place in stride(from: 0, to: file.count, by: piece) {
            var request = try Request("catalog.imports.store", parameters: parameters.merging(["upload-place": "\(place)"]) { $1 }, caller: admin)
            request.body = Array(file[place..<min(file.count, place + piece)])
            let reply = try await harness.send(request)
            guard reply.status == 204 else { return (id, reply) }
        }
        return (id, try await harness.send(try request("imports.create", #"{"bytes": \#(file.count)}"#, parameters)))
    }

    func step(_ id: UUID, _ step: Int) async throws {
        _ = try await harness.send(try request("imports.advance", #"{"importID": "\#(id.uuidString)", "step": \#(step)}"#))
    }

    func shown(_ id: UUID) async throws -> ImportView {
        try await harness.ask(try request("imports.get", "", ["id": id.uuidString])).decoded()
    }

    func importing(_ file: String, kind: String = "products", type: String = "text/csv", _ more: [String: String] = [:], piece: Int = 100) async throws -> ImportView {
        let (id, reply) = try await upload(Array(file.utf8), kind: kind, type: type, more, piece: piece)
        #expect(reply.status == 202)
        var view: ImportView = try reply.decoded()
        for number in 0..<1_000 where view.state == .running {
            try await step(id, number)
            view = try await shown(id)
        }
        return view
    }

    func exported(_ accept: String) async throws -> String {
        var bytes: [UInt8] = []
        var parameters = ["accept": accept]
        while true {
            let reply = try await harness.ask(try request("products.export", "", parameters))
            #expect(reply.status == 200)
            bytes += reply.body
            guard let next = reply.headers[Reply.nextPage] else { return String(decoding: bytes, as: UTF8.self) }
            parameters["after"] = next
        }
    }

    func product(_ sku: String) async throws -> ProductView {
        let rows = try await harness.database.withConnection { try await ProductStore.find(skus: [sku], on: $0) }
        return try #require(rows[sku]).view
    }
}

@Suite struct `Importing` {
    @Test func `products of new SKUs are created, known ones changed, and the same file again changes nothing`() async throws {
        let shop = try await Shop()
        let old = try await shop.create("B", "Cup", more: #", "attributes": {"size": 12}, "images": [{"url": "/b.jpg", "alt": "B"}], "brand": "Acme""#)
        let file = """
            sku,name,amount,currency,category,brand,stock,images,attribute.size
            A,Tea,450,EUR,drinks,Brew,7,/a.jpg,L
            B,Big cup,900,EUR,,Acme,0,/b.jpg,12

            """
        let first = try await shop.importing(file)
        #expect(first.state == .done)
        #expect([first.rows, first.accepted, first.changed, first.rejectedRows] == [2, 2, 2, 0])
        #expect(first.bytesRead == file.utf8.count)
        let tea = try await shop.product("A")
        #expect(tea.name == "Tea" && tea.price == Money(amount: 450, currency: "EUR") && tea.category == "drinks" && tea.available == 7)
        let cup = try await shop.product("B")
        #expect(cup.name == "Big cup" && cup.id == old.id && cup.slug == old.slug)
        // A number stays one, and a picture keeps its text.
        #expect(cup.attributes == old.attributes && cup.images == old.images)
        shop.harness.clock.advance(by: 60)
        let second = try await shop.importing(file)
        #expect([second.rows, second.accepted, second.changed] == [2, 2, 0])
        #expect(try await shop.product("B").updatedAt == cup.updatedAt)
        await shop.harness.database.close()
    }

    @Test func `rows that cannot be taken are named with line, column and value, and the others are taken`() async throws {
        let shop = try await Shop()
        let view = try await shop.importing(
            """
            sku,name,amount,currency,stock
            A,Tea,100,EUR,1
            B C,Tea,100,EUR,1
            D/E,Tea,100,EUR,1
            A,Tea again,100,EUR,1
            4.00638E+12,Tea,100,EUR,1
            F,,100,EUR,1
            G,Tea,,EUR,1
            H,Tea,"1.234,56",EUR,1
            I,Tea,100,XXX,1
            J,Tea,100,EUR,many
            K,"Tea\u{7}",100,EUR,1
            ,Tea,100,EUR,1
            L,Tea,100,EUR,1,surplus
            M,Tea,100,EUR

            """)
        #expect([view.rows, view.accepted, view.rejectedRows] == [14, 2, 12])
        let named = view.rejected.map { "\($0.line) \($0.column ?? "-")" }
        #expect(named == ["3 sku", "4 sku", "5 sku", "6 sku", "7 name", "8 amount", "9 amount", "10 currency", "11 stock", "12 name", "13 sku", "14 -"])
        #expect(view.rejected[0].value == "B C")
        #expect(view.rejected[2].reason.contains("line 2"))
        #expect(view.rejected[3].reason.contains("spreadsheet"))
        #expect(view.rejected[6].reason.contains("ambiguous"))
        let csv = try await shop.harness.ask(try shop.request("imports.rejected", "", ["id": view.id.uuidString]))
        #expect(csv.headers["content-type"] == "text/csv; charset=utf-8")
        #expect(String(decoding: csv.body, as: UTF8.self).split(separator: "\r\n").count == 13)
        await shop.harness.database.close()
    }

    @Test func `a dry run says the same and changes nothing`() async throws {
        let shop = try await Shop()
        _ = try await shop.create("B")
        let file = "sku,name,amount,currency,stock\nA,Tea,100,EUR,5\nB,Cup,100,EUR,0\nC,Bad,x,EUR,0\n"
        let dry = try await shop.importing(file, ["dryRun": "true"])
        #expect([dry.rows, dry.accepted, dry.changed, dry.rejectedRows] == [3, 2, 2, 1])
        #expect(try await shop.find([:]) == ["B"])
        let real = try await shop.importing(file)
        #expect([real.rows, real.accepted, real.changed, real.rejectedRows] == [3, 2, 2, 1])
        #expect(real.rejected == dry.rejected)
        await shop.harness.database.close()
    }

    @Test(arguments: ["text/csv", "application/x-ndjson"]) func `importing an export changes nothing, and rebuilds what was lost`(type: String) async throws {
        let shop = try await Shop()
        _ = try await shop.create(
            "A", "Tea, \\\"black\\\"",
            more:
                #", "description": "Two\nlines", "brand": "Brew & Co", "categories": ["drinks", "hot"], "attributes": {"n": 1.50, "b": true, "t": "x|y", "empty": ""}, "images": [{"url": "/a.jpg", "alt": "A"}, "/b.jpg"]"#
        )
        _ = try await shop.create(
            "V", "Shirt", more: #", "variants": [{"sku": "V-S", "options": {"size": "S"}}, {"sku": "V-M", "options": {"size": "M"}, "price": {"amount": 150, "currency": "EUR"}}]"#)
        for number in 0..<30 { _ = try await shop.create("P-\(number)") }
        _ = try await shop.harness.send(try shop.request("stock.set", #"{"onHand": 9}"#, ["sku": "A"]))
        let file = try await shop.exported(type)
        let view = try await shop.importing(file, type: type, piece: 1_000)
        #expect(view.rejected == [])
        #expect([view.rows, view.accepted, view.changed] == [32, 32, 0])
        #expect(try await shop.exported(type) == file)
        let empty = try await Shop()
        let rebuilt = try await empty.importing(file, type: type, piece: 1_000)
        #expect([rebuilt.accepted, rebuilt.rejectedRows] == [32, 0])
        if type != "text/csv" { #expect(try await empty.exported(type) == file) }
        await shop.harness.database.close()
        await empty.harness.database.close()
    }

    @Test func `stock, prices and categories are imported too`() async throws {
        let shop = try await Shop()
        _ = try await shop.create("A")
        _ = try await shop.create("V", more: #", "variants": [{"sku": "V-S", "options": {"size": "S"}}]"#)
        let stock = try await shop.importing("sku,stock\nA,12\nV-S,3\nX,1\n", kind: "stock")
        #expect([stock.accepted, stock.changed, stock.rejectedRows] == [2, 2, 1])
        #expect(try await shop.product("A").available == 12)
        let prices = try await shop.importing("sku;amount\nA;12,50\nV-S;1.000,00\nX;1,00\n", kind: "prices", ["decimal": "comma"])
        #expect([prices.accepted, prices.changed, prices.rejectedRows] == [2, 2, 1])
        #expect(try await shop.product("A").price.amount == 1_250)
        #expect(try await shop.product("V").variants?.first?.price.amount == 100_000)
        let categories = try await shop.importing("slug,name,parent\nshoes,Shoes,\nboots,Boots,shoes\nshoes2,X,none\n", kind: "categories")
        #expect([categories.accepted, categories.changed, categories.rejectedRows] == [2, 2, 1])
        let circle = try await shop.importing("slug,parent\nshoes,boots\n", kind: "categories")
        #expect(circle.rejected.map(\.column) == ["parent"])
        let lines = try await shop.importing("{\"sku\": \"A\", \"onHand\": 4}\n{\"sku\": \"A\"}\nnonsense\n", kind: "stock", type: "application/x-ndjson")
        #expect([lines.accepted, lines.rejectedRows] == [1, 2])
        await shop.harness.database.close()
    }

    @Test func `what is reserved for orders cannot be counted away`() async throws {
        let shop = try await Shop()
        _ = try await shop.create("A")
        _ = try await shop.importing("sku,stock\nA,5\n", kind: "stock")
        let order = UUID()
        _ = await shop.harness.send([try shop.request("stock.reserve", #"{"orderID": "\#(order.uuidString)", "lines": [{"sku": "A", "quantity": 4}]}"#)])
        let view = try await shop.importing("sku,stock\nA,3\n", kind: "stock")
        #expect(view.rejected.map(\.column) == ["stock"])
        #expect([view.accepted, view.changed] == [0, 0])
        await shop.harness.database.close()
    }

    @Test func `what cannot be imported at all is refused, or fails with a reason`() async throws {
        let shop = try await Shop()
        #expect(fields(try await shop.upload([]).1) == ["body"])
        #expect(fields(try await shop.upload(Array("sku".utf8), kind: "orders").1) == ["kind"])
        #expect(fields(try await shop.upload(Array("sku".utf8), ["encoding": "klingon"]).1) == ["encoding"])
        #expect(fields(try await shop.upload(Array("sku".utf8), ["currency": "XXX"]).1) == ["currency"])
        let missing = try await shop.harness.send(
            try shop.request("imports.create", #"{"bytes": 10}"#, ["kind": "products", "content-type": "text/csv", "upload": UUID().uuidString]))
        #expect(missing.status == 409)
        let view = try await shop.importing("name,amount\nTea,1\n")
        #expect(view.state == .failed)
        #expect(view.failure?.contains("'sku'") == true)
        #expect(try await shop.harness.ask(try shop.request("imports.get", "", ["id": UUID().uuidString])).status == 404)
        await shop.harness.database.close()
    }

    @Test func `files that nobody asked to be imported are dropped`() async throws {
        let shop = try await Shop()
        var request = try Request(
            "catalog.imports.store", parameters: ["kind": "products", "content-type": "text/csv", "upload": UUID().uuidString, "upload-place": "0"], caller: shop.admin)
        request.body = [1, 2, 3]
        #expect(try await shop.harness.send(request).status == 204)
        shop.harness.clock.advance(by: Imports.abandonedAfter + 1)
        _ = try await shop.harness.database.transaction { try await Imports(clock: shop.harness.clock, randomness: TestRandomness()).findDue(on: $0) }
        #expect(try await shop.harness.count("SELECT count(*) FROM import_pieces") == 0)
        await shop.harness.database.close()
    }
}

@Suite struct `Following imports` {
    private func events(_ shop: Shop, _ id: UUID, _ parameters: [String: String] = [:]) async throws -> Reply {
        try await shop.harness.ask(try shop.request("imports.events", "", parameters.merging(["id": id.uuidString]) { $1 }))
    }

    private func version(_ shop: Shop, _ id: UUID) async throws -> Int? {
        let reply = try await shop.harness.ask(try Request("catalog.imports.versions", sending: VersionsQuery(ids: [id.uuidString, "nonsense"])))
        return try reply.decoded(VersionsQuery.Answer.self).versions[id.uuidString]
    }

    @Test func `an event reports the progress of an import, a client gets each state once, and the last one ends the stream`() async throws {
        let shop = try await Shop()
        // The first row is rejected, so the step decides row by row. Such a step is the last of its transaction.
        let rows = (0..<Imports.batchRows + 1).map { "S-\($0),Tea \($0),\($0 == 0 ? "" : "100"),EUR" }.joined(separator: "\n")
        let (id, _) = try await shop.upload(Array("sku,name,amount,currency\n\(rows)".utf8), piece: 10_000)
        let first = try await events(shop, id)
        #expect(first.headers["content-type"] == "text/event-stream; charset=utf-8")
        #expect(String(decoding: first.body, as: UTF8.self).hasPrefix("id: 0\ndata: {"))
        #expect(first.headers[Reply.nextPage] == "0")
        #expect(try await events(shop, id, ["after": "0"]).body.isEmpty)
        let before = try await version(shop, id)
        try await shop.step(id, 0)
        #expect(try await version(shop, id) != before)
        let second = try await events(shop, id, ["after": "0"])
        let text = String(decoding: second.body, as: UTF8.self)
        #expect(text.hasPrefix("id: 1\n") && text.contains("\"rows\":\(Imports.batchRows)") && second.headers[Reply.nextPage] == "1")
        try await shop.step(id, 1)
        let last = try await events(shop, id, ["last-event-id": "1"])
        #expect(String(decoding: last.body, as: UTF8.self).contains("\"state\":\"done\"") && last.headers[Reply.nextPage] == nil)
        #expect(try await events(shop, id, ["last-event-id": "2"]).status == 204)
        // An id of another stream, and one beyond the last: the client gets what there is.
        #expect(try await events(shop, id, ["last-event-id": "x-7"]).status == 200)
        #expect(try await events(shop, id, ["last-event-id": "\(Int.max)"]).status == 200)
        #expect(try await events(shop, UUID()).status == 404)
        await shop.harness.database.close()
    }

    @Test func `imports are listed newest first, page by page`() async throws {
        let shop = try await Shop()
        var ids: [UUID] = []
        for number in 0..<3 {
            shop.harness.clock.advance(by: 1)
            ids.insert(try await shop.importing("sku,stock\nA,\(number)\n", kind: "stock").id, at: 0)
        }
        let first = try await shop.harness.ask(try shop.request("imports.list", "", ["limit": "2"])).decoded(Page<ImportSummary>.self)
        #expect(first.items.map(\.id) == Array(ids.prefix(2)))
        let cursor = try #require(first.nextCursor)
        let second = try await shop.harness.ask(try shop.request("imports.list", "", ["limit": "2", "cursor": cursor])).decoded(Page<ImportSummary>.self)
        #expect(second.items.map(\.id) == Array(ids.suffix(1)) && second.nextCursor == nil)
        #expect(second.items.first?.rejectedRows == 1)
        await shop.harness.database.close()
    }
}
