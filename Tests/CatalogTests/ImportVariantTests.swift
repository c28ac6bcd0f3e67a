import Contracts
import FoundationEssentials
import PostgreSQL
import Testing

@testable import Catalog
@testable import Input
@testable import JSON
@testable import Messaging
@testable import ServiceKit

/// Products with variants in the exports of other shops, and in Wharf's own.
@Suite struct `Importing variants` {
    private static let shopify = """
        Handle,Title,Vendor,Type,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,Variant Inventory Qty,Variant Price,Image Src
        tee,Tee,Acme,Shirts,Size,S,Colour,Red,T-S,3,19.99,https://x/1.jpg
        tee,,,,,M,,Red,T-M,4,21.99,
        tee,,,,,,,,,,,https://x/2.jpg
        cup,Cup,Acme,Cups,Title,Default Title,,,C-1,9,5.00,
        """

    @Test func `a file that names no currency uses that of the shop's products if they all have the same one`() async throws {
        let shop = try await Shop()
        let unknown = try await shop.importing(Self.shopify)
        #expect(unknown.accepted == 0 && unknown.rejected.allSatisfy { $0.column == "currency" })
        _ = try await shop.create("TEA")
        let known = try await shop.importing(Self.shopify)
        #expect(known.accepted == known.rows && known.rejected == [])
        #expect(try await shop.get("tee").decoded(ProductView.self).price.currency == "EUR")
        _ = try await shop.importing("sku,name,amount,currency\nCUP,Cup,100,USD\n")
        let mixed = try await shop.importing("Handle,Title,Variant SKU,Variant Price\nhat,Hat,HAT,5.00\n")
        #expect(mixed.rejected.map(\.column) == ["currency"])
        await shop.harness.database.close()
    }

    @Test func `the rows of one handle become one product, each variant with its price and stock`() async throws {
        let shop = try await Shop()
        let first = try await shop.importing(Self.shopify, ["currency": "EUR"])
        #expect(first.rejected == [])
        #expect([first.rows, first.accepted, first.changed] == [3, 3, 3])
        let tee = try await shop.product("tee")
        #expect(tee.name == "Tee" && tee.brand == "Acme" && tee.price.amount == 1_999 && tee.images.count == 2 && tee.available == 7)
        let variants = try #require(tee.variants)
        #expect(variants.map(\.sku) == ["T-S", "T-M"] && variants.map(\.price.amount) == [1_999, 2_199] && variants.map(\.available) == [3, 4])
        #expect(variants.map(\.options) == [["Size": "S", "Colour": "Red"], ["Size": "M", "Colour": "Red"]])
        #expect(try await shop.product("C-1").variants == nil)
        let second = try await shop.importing(Self.shopify, ["currency": "EUR"])
        #expect([second.rows, second.accepted, second.changed] == [3, 3, 0])
        await shop.harness.database.close()
    }

    @Test func `a product with a wrong variant is rejected, and the line is named`() async throws {
        let shop = try await Shop()
        _ = try await shop.create("C-9")
        let file = """
            Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price
            tee,Tee,Size,S,T-S,1
            tee,,,M,T M,1
            cap,Cap,Size,S,C-S,1
            cap,,,M,C-M,
            hat,Hat,Size,S,H-S,1
            hat,,,M,C-S,1
            mug,Mug,Size,S,M-S,1
            mug,,,M,C-9,1
            pen,Pen,Size,S,P-S,1
            """
        let view = try await shop.importing(file, ["currency": "EUR"])
        #expect(view.rejected.map { "\($0.line) \($0.column ?? "-")" } == ["3 Variant SKU", "5 Variant Price", "7 Variant SKU", "9 Variant SKU"])
        #expect([view.rows, view.accepted, view.rejectedRows] == [9, 1, 8])
        #expect(try await shop.find([:]) == ["C-9", "pen"])
        await shop.harness.database.close()
    }

    private static let woocommerce = """
        ID,Type,SKU,Name,Published,Regular price,Categories,Stock,Parent,"Attribute 1 name","Attribute 1 value(s)","Attribute 2 name","Attribute 2 value(s)"
        10,variable,HOOD,Hoodie,1,,Clothing > Hoodies,,,Colour,"Blue, Red",Material,Cotton
        11,simple,MUG,Mug,1,9.5,Kitchen,7,,,,,
        12,variable,,Cap,1,,Clothing,,,Colour,"Blue, Red",,
        13,variation,HOOD-B,Hoodie - Blue,1,45,,3,HOOD,Colour,Blue,,
        14,variation,HOOD-R,Hoodie - Red,1,42,,4,id:10,Colour,Red,,
        15,variation,CAP-B,Cap - Blue,1,12,,5,id:12,Colour,Blue,,
        16,variation,X-1,Orphan,1,12,,5,id:99,Colour,Blue,,
        17,variable,LONE,Lone,1,,,,,Colour,Blue,,
        """

    @Test func `variations become variants of their product, wherever its row precedes them`() async throws {
        let shop = try await Shop()
        let first = try await shop.importing(Self.woocommerce, ["currency": "EUR"])
        #expect(first.rejected.map { "\($0.line) \($0.column ?? "-")" } == ["8 Parent", "9 -"])
        #expect([first.rows, first.accepted, first.rejectedRows] == [8, 6, 2])
        let hoodie = try await shop.product("HOOD")
        #expect(hoodie.price.amount == 4_500 && hoodie.categories == ["Hoodies"] && hoodie.available == 7)
        #expect(hoodie.variants?.map(\.sku) == ["HOOD-B", "HOOD-R"] && hoodie.variants?.map(\.price.amount) == [4_500, 4_200])
        // Attributes in which the variants differ are not attributes of the product.
        #expect(hoodie.attributes == ["Material": .text("Cotton")])
        #expect(try await shop.product("woo-12").variants?.map(\.sku) == ["CAP-B"])
        #expect(try await shop.harness.count("SELECT count(*) FROM import_parents") == 0)
        let second = try await shop.importing(Self.woocommerce, ["currency": "EUR"])
        #expect([second.accepted, second.changed, second.rejectedRows] == [6, 0, 2])
        // A file without the variations leaves all of them unchanged.
        let header = try #require(Self.woocommerce.split(separator: "\n").first)
        let renamed = try await shop.importing("\(header)\n12,variable,,Hat,1,,Clothing,,,Colour,\"Blue, Red\",,\n", ["currency": "EUR"])
        #expect([renamed.accepted, renamed.changed] == [1, 1])
        #expect(try await shop.product("woo-12").name == "Hat")
        #expect(try await shop.product("woo-12").variants?.count == 1)
        // A file with one of the variations leaves the others unchanged.
        let third = try await shop.importing("\(header)\n14,variation,HOOD-R,Hoodie - Red,1,41,,4,HOOD,Colour,Red,,\n", ["currency": "EUR"])
        #expect([third.accepted, third.changed] == [1, 1])
        #expect(try await shop.product("HOOD").variants?.map(\.price.amount) == [4_500, 4_100])
        await shop.harness.database.close()
    }

    @Test func `variations far after their product are assigned to it, even in a dry run`() async throws {
        let shop = try await Shop()
        let header = try #require(Self.woocommerce.split(separator: "\n").first)
        let between = (0..<Imports.batchRows).map { "\(100 + $0),simple,S-\($0),Mug,1,1,,,,,,," }.joined(separator: "\n")
        let file = "\(header)\n1,variable,HOOD,Hoodie,1,,,,,Colour,\"Blue, Red\",,\n\(between)\n2,variation,HOOD-B,,1,45,,3,HOOD,Colour,Blue,,\n"
        let dry = try await shop.importing(file, ["currency": "EUR", "dryRun": "true"], piece: 10_000)
        #expect([dry.accepted, dry.changed, dry.rejectedRows] == [Imports.batchRows + 2, Imports.batchRows + 1, 0])
        let real = try await shop.importing(file, ["currency": "EUR"], piece: 10_000)
        #expect([real.accepted, real.changed, real.rejectedRows] == [Imports.batchRows + 2, Imports.batchRows + 1, 0])
        #expect(try await shop.product("HOOD").variants?.map(\.sku) == ["HOOD-B"])
        await shop.harness.database.close()
    }

    @Test(arguments: ["text/csv", "application/x-ndjson"]) func `an export has variants with price and stock, and importing it changes nothing and rebuilds all`(type: String) async throws {
        let shop = try await Shop()
        _ = try await shop.importing(Self.shopify, ["currency": "EUR"])
        let file = try await shop.exported(type)
        let again = try await shop.importing(file, type: type)
        #expect([again.rows, again.accepted, again.changed, again.rejectedRows] == [2, 2, 0, 0])
        #expect(try await shop.exported(type) == file)
        let empty = try await Shop()
        let rebuilt = try await empty.importing(file, type: type)
        #expect([rebuilt.accepted, rebuilt.rejectedRows] == [2, 0])
        #expect(try await empty.exported(type) == file)
        #expect(try await empty.product("tee").variants?.map(\.available) == [3, 4])
        await shop.harness.database.close()
        await empty.harness.database.close()
    }

    @Test func `the stock of a variant is bounded, and named if it is wrong`() async throws {
        let shop = try await Shop()
        let line = #"{"sku": "A", "name": "Tea", "price": {"amount": 1, "currency": "EUR"}, "variants": [{"sku": "A-1", "options": {"size": "S"}, "stock": STOCK}]}"#
        for stock in ["-1", "\(Int.max)", "\"many\"", "1.5"] {
            let view = try await shop.importing(line.replacing("STOCK", with: stock), type: "application/x-ndjson")
            #expect(view.rejected.map(\.column) == ["variants"], "\(stock)")
        }
        await shop.harness.database.close()
    }
}
