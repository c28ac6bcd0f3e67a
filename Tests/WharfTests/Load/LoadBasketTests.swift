import Testing

@testable import Load
@testable import ShopClient
@testable import Terminal

struct LoadBasketTests {
    private func parse(_ text: String) throws -> Baskets {
        try Baskets(Array(text.utf8))
    }

    private func names(_ text: String) throws -> [[String]] {
        let baskets = try parse(text)
        return baskets.baskets.map { $0.map { baskets.goods[$0.good].name } }
    }

    @Test("Names are trimmed, empty names and empty lines are left out")
    func trimming() throws {
        #expect(try names(" whole milk ,cream cheese ,,\r\n\n , \n\tcurd\t") == [["whole milk", "cream cheese"], ["curd"]])
    }

    @Test("A quoted name may hold commas and doubled quotes")
    func quotes() throws {
        #expect(try names(#""beans, white" , "12"" plate","""x""""#) == [["beans, white", #"12" plate"#, #""x""#]])
    }

    @Test("A byte order mark is not part of the first name")
    func byteOrderMark() throws {
        #expect(try names("\u{FEFF}rice,oil") == [["rice", "oil"]])
    }

    @Test("An item that stands in a basket twice is bought twice")
    func duplicates() throws {
        let baskets = try parse("rice,oil,rice")
        #expect(baskets.baskets == [[.init(good: 0, quantity: 2), .init(good: 1, quantity: 1)]])
    }

    @Test(
        "Unreadable input is reported with its line",
        arguments: [
            ([UInt8]("rice\noil,\u{1}x".utf8), "line 2: an item's name has a control character"),
            ([0x72, 0x0A, 0xFF, 0xFE], "line 2 is not UTF-8"),
            ([UInt8](#"rice,"oil"#.utf8), "line 1: a quote is not closed"),
            ([UInt8](#""oil" x,rice"#.utf8), "line 1: something other than a comma"),
            ([UInt8](String(repeating: "x", count: 201).utf8), "line 1: an item's name has more than 200"),
            ([UInt8]((0...100).map { "item \($0)" }.joined(separator: ",").utf8), "line 1: a basket holds at most 100"),
            ([UInt8](repeating: 0x0A, count: 9), "there is no basket"),
        ])
    func errors(_ bytes: [UInt8], _ message: String) throws {
        let error = #expect(throws: LoadError.self) { try Baskets(bytes) }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        #expect(error?.exitStatus == 65)
    }

    @Test("A missing file ends with status 66")
    func missingFile() throws {
        let error = #expect(throws: LoadError.self) { try Baskets(contentsOf: "/nowhere/baskets.csv") }
        #expect(error?.exitStatus == 66)
    }

    @Test("The same seed gives the same order, and without a seed it is the file's")
    func seeds() throws {
        let baskets = try parse((0..<100).map { "item \($0)" }.joined(separator: "\n"))
        #expect(baskets.order(seed: nil) == Array(0..<100))
        #expect(baskets.order(seed: 7) == baskets.order(seed: 7))
        #expect(baskets.order(seed: 7) != baskets.order(seed: 8))
        #expect(baskets.order(seed: 7).sorted() == Array(0..<100))
    }

    @Test("A plain name is its SKU, any other gets a hash as a suffix")
    func skus() {
        #expect(Good(name: "whole milk").sku == "groc-whole-milk")
        let others = ["Whole milk", "whole-milk", "whole  milk", "whole/milk", "wholé milk", "牛乳", "豆乳", String(repeating: "m", count: 200)]
        let skus = others.map { Good(name: $0).sku }
        #expect(Set(skus).count == others.count)
        for sku in skus {
            #expect(sku.count <= 64)
            #expect(sku.hasPrefix("groc-") && sku.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-") })
            #expect(!sku.contains("--") && !sku.hasSuffix("-"))
        }
    }

    @Test("A name has the same price in every process")
    func prices() {
        #expect(Good.hash("") == 0xcbf2_9ce4_8422_2325)
        #expect(Good.hash("a") == 0xaf63_dc4c_8601_ec8c)
        for number in 0..<1_000 { #expect((99...1999).contains(Good(name: "item \(number)").price)) }
    }
}
