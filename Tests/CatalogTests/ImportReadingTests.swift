import Testing

@testable import Catalog
@testable import Input
@testable import JSON
@testable import Messaging

@Suite struct `Records of CSV` {
    private func records(_ text: String, delimiter: Character = ",", isLast: Bool = true) -> [CSVReader.Record] {
        var reader = CSVReader(Array(text.utf8), delimiter: delimiter.asciiValue ?? 0, isLast: isLast)
        var records: [CSVReader.Record] = []
        while let record = reader.next() { records.append(record) }
        return records
    }

    private func texts(_ records: [CSVReader.Record]) -> [[String]] { records.map { $0.fields.map { String(decoding: $0, as: UTF8.self) } } }

    @Test(arguments: [
        ("a,b\nc,d\n", [["a", "b"], ["c", "d"]]), ("a,b\r\nc,d", [["a", "b"], ["c", "d"]]), ("a,b\rc,d\r", [["a", "b"], ["c", "d"]]),
        ("a,,\n,,b", [["a", "", ""], ["", "", "b"]]), ("\"a,\"\"b\"\"\",c", [["a,\"b\"", "c"]]), ("\"a\r\nb\",c\nd", [["a\r\nb", "c"], ["d"]]),
        ("\"\",\"\"", [["", ""]]), ("a\"b,c\"", [["a\"b", "c\""]]), ("a,", [["a", ""]]), ("", []), ("\n\na", [[""], [""], ["a"]]), ("é,\u{1F600}", [["é", "\u{1F600}"]]),
    ])
    func `line ends and quotes are read as RFC 4180 and spreadsheets write them`(text: String, fields: [[String]]) {
        #expect(texts(records(text)) == fields)
    }

    @Test func `lines are counted where they end, in quotes too`() {
        #expect(records("a\r\n\"b\nc\r\nd\re\"\rf\n\ng").map(\.line) == [1, 2, 6, 7, 8])
    }

    @Test(arguments: [",", ";", "\t"]) func `each delimiter leaves the others alone`(delimiter: String) throws {
        let character = try #require(delimiter.first)
        let others = [",", ";", "\t"].filter { $0 != delimiter }.joined()
        #expect(texts(records("a\(delimiter)b\(others)c", delimiter: character)) == [["a", "b\(others)c"]])
    }

    @Test func `a quote that is never closed costs its line alone`() {
        let found = records("a,b\n\"c,d\ne,f\ng,h")
        #expect(found.map(\.line) == [1, 2, 3, 4])
        #expect(found[1].flaw?.contains("never closed") == true)
        #expect(texts(found)[2] == ["e", "f"])
    }

    @Test func `text behind a closing quote is a flaw of its record alone`() {
        let found = records("\"a\"b,c\nd,e")
        #expect(found.map { $0.flaw == nil } == [false, true])
    }

    @Test func `a record longer than the bound is given up, and what follows is read`() {
        let found = records(String(repeating: "x", count: CSVReader.maximumRecordBytes + 1) + "\na,b")
        #expect(found.count == 2)
        #expect(found[0].flaw?.contains("longer") == true)
        #expect(texts(found)[1] == ["a", "b"])
    }

    @Test func `wherever a window ends, the records are those of the whole file`() throws {
        let text = "sku,name\r\nA,\"x\r\n\"\"y\"\"\"\rB,é\n\n\"C\",\u{1F600};\r\nD,last"
        let bytes = Array(text.utf8)
        let whole = texts(records(text))
        for cut in 0...bytes.count {
            var first = CSVReader(Array(bytes[..<cut]), delimiter: UInt8(ascii: ","), isLast: false)
            var found: [CSVReader.Record] = []
            while let record = first.next() { found.append(record) }
            var second = CSVReader(Array(bytes[first.position...]), delimiter: UInt8(ascii: ","), line: first.line, isLast: true)
            while let record = second.next() { found.append(record) }
            #expect(texts(found) == whole, "cut at \(cut)")
            #expect(found.map(\.line) == records(text).map(\.line), "cut at \(cut)")
        }
    }
}

@Suite struct `Encodings of files` {
    private static let text = "sku;name\nA;Käse € \u{1F600} “ok”\n"

    private func bytes(_ text: String, _ encoding: TextEncoding) -> [UInt8] {
        switch encoding {
        case .utf8: Array(text.utf8)
        case .utf16LittleEndian: text.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
        case .utf16BigEndian: text.utf16.flatMap { [UInt8(truncatingIfNeeded: $0 >> 8), UInt8(truncatingIfNeeded: $0)] }
        case .windows1252: text.unicodeScalars.map { $0 == "€" ? 0x80 : $0 == "“" ? 0x93 : $0 == "”" ? 0x94 : UInt8(truncatingIfNeeded: $0.value) }
        }
    }

    @Test(arguments: TextEncoding.allCases) func `what is read of a text is as long as the file has it`(encoding: TextEncoding) {
        let text = encoding == .windows1252 ? Self.text.replacing("\u{1F600}", with: "ÿ") : Self.text
        let file = bytes(text, encoding)
        let utf8 = encoding.utf8(of: file[...])
        #expect(String(decoding: utf8, as: UTF8.self) == text)
        #expect(encoding.length(of: utf8[...]) == file.count)
        let half = utf8.firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        #expect(String(decoding: encoding.utf8(of: file[encoding.length(of: utf8[..<half])...]), as: UTF8.self) == String(text.split(separator: "\n", maxSplits: 1)[1]))
    }

    @Test(arguments: [TextEncoding.utf16LittleEndian, .utf16BigEndian]) func `half a character at the end waits for its other half`(encoding: TextEncoding) {
        let file = bytes("a\u{1F600}", encoding)
        for count in 2..<file.count { #expect(encoding.utf8(of: file[..<count]) == [UInt8(ascii: "a")]) }
    }

    @Test(arguments: [([0xEF, 0xBB, 0xBF] as [UInt8], TextEncoding.utf8), ([0xFF, 0xFE], .utf16LittleEndian), ([0xFE, 0xFF], .utf16BigEndian)])
    func `a byte order mark says it, and is no part of the first column`(mark: [UInt8], encoding: TextEncoding) throws {
        var reader = ImportReader(kind: .products, format: .csv, encoding: nil)
        let read = try reader.read(mark + bytes(Self.text, encoding), isLast: true, limit: 10)
        #expect(read.rows.map(\.content) == [.cells(["sku": "A", "name": "Käse € \u{1F600} “ok”"])])
        #expect(reader.position == mark.count + bytes(Self.text, encoding).count)
    }

    @Test func `what is not UTF-8 is named, and the next row is read`() throws {
        var reader = ImportReader(kind: .products, format: .csv, encoding: nil)
        let read = try reader.read(Array("sku,name\nA,K".utf8) + [0xE4] + Array("se\nB,Tea\n".utf8), isLast: true, limit: 10)
        #expect(read.rejections.map(\.line) == [2])
        #expect(read.rejections.first?.column == "name")
        #expect(read.rejections.first?.reason.contains("windows-1252") == true)
        #expect(read.rows.map(\.line) == [3])
    }

    @Test func `UTF-16 without a mark is named`() {
        var reader = ImportReader(kind: .products, format: .csv, encoding: nil)
        #expect(throws: ImportReader.Unreadable.self) { try reader.read(bytes(Self.text, .utf16LittleEndian), isLast: true, limit: 10) }
    }
}

@Suite struct `Amounts of files` {
    private func read(_ text: String, digits: Int = 2, _ mark: AmountReader.Mark? = nil, isDecimal: Bool = false) -> Result<Int, AmountReader.Flaw> {
        var form: AmountReader.Form?
        return Result { () throws(AmountReader.Flaw) in
            try AmountReader.minorUnits(text, digits: digits, mark: mark, form: &form, isDecimal: isDecimal)
        }
    }

    @Test(arguments: [("1999", 1999), ("19.99", 1999), ("19.9", 1990), ("0", 0), ("0.05", 5), ("19.9900", 1999)])
    func `what can be meant in one way is taken without a declaration`(text: String, amount: Int) throws {
        #expect(try read(text).get() == amount)
    }

    @Test(arguments: ["1.234,56", "1,234.56", "12,50", "1.234", "1,234", "1.2.3", "19."])
    func `what can be meant in two is named as ambiguous`(text: String) {
        #expect(throws: AmountReader.Flaw.self) { try read(text).get() }
        if case .failure(let flaw) = read(text) { #expect(flaw.reason.contains("ambiguous")) }
    }

    @Test(arguments: [("1.234,56", 123_456), ("12,5", 1_250), ("12", 1_200), ("1.234", 123_400), ("123.456,78", 12_345_678)])
    func `a declared comma is believed`(text: String, amount: Int) throws {
        #expect(try read(text, .comma).get() == amount)
    }

    @Test(arguments: ["12.50", "1.23,4", "12.5,0", "1,2,3", ",5", "-1", "", "abc", "12 €", "1e3", "0x10", "١٢", "19,999"])
    func `what does not fit a declared comma is refused`(text: String) {
        #expect(throws: AmountReader.Flaw.self) { try read(text, .comma).get() }
    }

    @Test(arguments: ["4.00638E+12", "4,00638E+12", "1.0E-5"]) func `what a spreadsheet has broken is named`(text: String) {
        #expect(AmountReader.isBroken(text))
        if case .failure(let flaw) = read(text) { #expect(flaw.reason.contains("spreadsheet")) }
    }

    @Test(arguments: ["4006381333931", "E+12", "1E5", "A.1E+2B", "X-4.0E+1", "4.0E+"]) func `what only looks like that is not`(text: String) {
        #expect(!AmountReader.isBroken(text))
    }

    @Test(arguments: [(0, "1999", 1999), (3, "1.2345", nil), (3, "1.23", 1230), (0, "19.99", nil), (2, "999999.99", 99_999_999), (2, "1000000.00", nil), (2, "99999999999999999999", nil)])
    func `the currency says how many decimals there are, and the bound how large it is`(digits: Int, text: String, amount: Int?) {
        #expect((try? read(text, digits: digits).get()) == amount)
    }

    @Test func `a file that mixes whole amounts and decimals is asked which it means`() throws {
        var form: AmountReader.Form?
        #expect(try AmountReader.minorUnits("19.99", digits: 2, mark: nil, form: &form, isDecimal: false) == 1999)
        #expect(throws: AmountReader.Flaw.self) { try AmountReader.minorUnits("20", digits: 2, mark: nil, form: &form, isDecimal: false) }
        #expect(try AmountReader.minorUnits("20", digits: 2, mark: .point, form: &form, isDecimal: false) == 2000)
        #expect(try AmountReader.minorUnits("20", digits: 2, mark: nil, form: &form, isDecimal: true) == 2000)
    }
}

@Suite struct `Headers of files` {
    private func read(_ text: String, _ kind: ImportKind = .products, format: ImportReader.Format = .csv) throws -> (rows: [[String: String]], reader: ImportReader, rejections: [Rejection]) {
        var reader = ImportReader(kind: kind, format: format, encoding: nil)
        let read = try reader.read(Array(text.utf8), isLast: true, limit: 1_000)
        return (read.rows.compactMap { if case .cells(let cells) = $0.content { cells } else { nil } }, reader, read.rejections)
    }

    @Test(arguments: ["sku,name,amount", "sku;name;amount", "sku\tname\tamount", "\"sku\",\"name\",\"amount\"", " SKU , Name ,amount"])
    func `the delimiter is found by the header`(header: String) throws {
        let delimiter = header.contains(";") ? ";" : header.contains("\t") ? "\t" : ","
        let found = try read("\n\(header)\n\(["A", "\"Tea, black; hot\"", "100"].joined(separator: delimiter))\n")
        #expect(found.rows == [["sku": "A", "name": "Tea, black; hot", "amount": "100"]])
    }

    @Test func `unknown columns are listed, surplus cells named, missing ones left out`() throws {
        let found = try read("sku,colour,name\nA,red\nB,red,Tea,\nC,red,Tea,more\n")
        #expect(found.reader.layout?.ignored == ["colour"])
        #expect(found.rows == [["sku": "A"], ["sku": "B", "name": "Tea"]])
        #expect(found.rejections.map(\.line) == [4])
        #expect(found.rejections.first?.value == "more")
    }

    @Test(arguments: ["name,amount\nTea,1", "a\nb", "sku,SKU\nA,B", "attribute.x,attribute.x,sku\n", "\"sku", "\n\n"])
    func `a header that is none is named`(text: String) {
        #expect(throws: ImportReader.Unreadable.self) { try read(text) }
    }

    @Test func `Shopify's export is known by its header`() throws {
        let found = try read(
            """
            Handle,Title,Body (HTML),Vendor,Type,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price,Variant Barcode,Image Src,Published
            tee,Tee,<p>Soft</p>,Acme,Shirts,Size,S,T-S,3,19.99,400,https://x/1.jpg,true
            tee,,,,,,M,T-M,4,21.99,,,
            tee,,,,,,,,,,,https://x/2.jpg,
            cup,Cup,,Acme,,Title,Default Title,C-1,9,5.00,,,true

            """)
        #expect(found.reader.layout?.origin == .shopify)
        #expect(found.rows.map { $0["sku"] } == ["tee", "C-1"])
        #expect(found.rows.map { $0["images"] } == ["https://x/1.jpg https://x/2.jpg", ""])
        #expect(found.rows.map { $0["stock"] } == [nil, "9"])
    }

    @Test func `wherever a piece of Shopify's export ends, its products are those of the whole file`() throws {
        let file = Array(
            """
            Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price,Image Src
            tee,Tee,Size,S,T-S,19.99,https://x/1.jpg
            tee,,,M,T-M,21.99,
            tee,,,,,,https://x/2.jpg
            cup,Cup,Title,Default Title,C-1,5.00,
            cap,Cap,Colour,Red,P-R,7.00,
            cap,,,"Blue
            green",P-B,7.00,

            """.utf8)
        func read(_ size: Int, _ limit: Int) throws -> [ImportRow] {
            var reader = ImportReader(kind: .products, format: .csv, encoding: nil)
            var rows: [ImportRow] = []
            for _ in 0..<100 where reader.position < file.count {
                let window = Array(file[reader.position...].prefix(size))
                rows += try reader.read(window, isLast: reader.position + window.count == file.count, limit: limit).rows
            }
            #expect(reader.position == file.count)
            return rows
        }
        let whole = try read(file.count, 100)
        #expect(whole.map(\.line) == [2, 5, 6] && whole.map(\.lines) == [[2, 3], [5], [6, 7]])
        // Each product fits into a piece, and so does the header.
        for size in 165..<file.count { #expect(try read(size, 100) == whole, "\(size)") }
        for limit in 3..<8 { #expect(try read(file.count, limit) == whole, "\(limit)") }
    }

    @Test func `a product with more rows than one batch is read whole, and one that fills a piece is rejected whole`() throws {
        let header = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price\n"
        func product(_ handle: String, _ variants: Int) -> String {
            "\(handle),\(handle),Size,0,\(handle)-0,1.00\n" + (1..<variants).map { "\(handle),,,\($0),\(handle)-\($0),1.00\n" }.joined()
        }
        let file = Array((header + product("tee", 50) + product("cup", 1) + product("cap", 2)).utf8)
        func read(_ size: Int, _ limit: Int) throws -> (rows: [ImportRow], rejections: [Rejection]) {
            var reader = ImportReader(kind: .products, format: .csv, encoding: nil)
            var all: (rows: [ImportRow], rejections: [Rejection]) = ([], [])
            for _ in 0..<1_000 where reader.position < file.count {
                let window = Array(file[reader.position...].prefix(size))
                let (rows, rejections) = try reader.read(window, isLast: reader.position + window.count == file.count, limit: limit)
                all.rows += rows
                all.rejections += rejections
            }
            #expect(reader.position == file.count)
            return all
        }
        let whole = try read(file.count, 10)
        #expect(whole.rows.map(\.lines.count) == [50, 1, 2] && whole.rejections.isEmpty)
        let parts = try read(200, 1_000)
        #expect(parts.rows.map(\.lines) == [[52], [53, 54]])
        #expect(parts.rejections.map(\.line) == Array(2...51) && parts.rejections.allSatisfy { $0.reason.contains("none of them was imported") })
    }

    @Test func `WooCommerce's export is known by its header`() throws {
        let found = try read(
            """
            ID,Type,SKU,Name,Published,Regular price,Categories,Images,Stock,"Attribute 1 name","Attribute 1 value(s)"
            1,simple,W-1,Mug,1,9.5,"Home > Kitchen, Sale","https://x/a.jpg, https://x/b.jpg",7,Colour,Blue
            """)
        #expect(found.reader.layout?.origin == .woocommerce)
        let object = ProductCells(cells: try #require(found.rows.first), known: nil, price: nil).object
        #expect(object["categories"] == .array(["Kitchen", "Sale"]))
        #expect(object["images"] == .array(["https://x/a.jpg", "https://x/b.jpg"]))
        #expect(object["attributes"] == .object(["Colour": "Blue"]))
        #expect(object["stock"] == 7)
    }

    @Test func `lines of NDJSON are read as they are, blank ones passed over, long ones named`() throws {
        var reader = ImportReader(kind: .products, format: .ndjson, encoding: nil)
        let long = String(repeating: "x", count: CSVReader.maximumRecordBytes + 1)
        let read = try reader.read(Array("{\"sku\":\"A\"}\r\n\n\(long)\n{\"sku\":\"B\"}".utf8), isLast: true, limit: 10)
        #expect(read.rows.map(\.line) == [1, 4])
        #expect(read.rejections.map(\.line) == [3])
    }
}
