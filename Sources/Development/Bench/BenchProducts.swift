import FoundationEssentials
import Gzip
import Load
import Terminal

/// Real products of a grocery chain as a file for an import: `product_id,manufacturer_id,department,category,type,size,brand,price_cents`, without quotes.
struct BenchProducts: Sendable {
    private static let maximumBytes = 64 << 20
    private static let columns = 8
    /// The price of products that were never sold, and so have none.
    private static let usualPrice = "199"

    /// The file as `POST /v1/imports?kind=products` accepts it.
    let file: [UInt8]
    let count: Int
    /// The types, each with the category of most of its products.
    let types: [(type: String, category: String)]

    /// - Parameter count: Products; where the file has fewer, they are repeated under other SKUs.
    /// - Throws: ``BenchError`` with code `missing`.
    init(contentsOf path: String, count: Int) throws {
        guard let packed = try? Data(contentsOf: URL(filePath: path)), let bytes = try? Gzip.unpack(Array(packed), limit: Self.maximumBytes) else {
            throw BenchError(.missing, "\(path) cannot be read; --products needs a gzipped file of products.")
        }
        let rows = String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst().map { line in
            line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }.filter { $0.count == Self.columns }
        guard !rows.isEmpty else { throw BenchError(.missing, "\(path) has no products.") }
        var text = "sku,name,amount,currency,category,brand,stock,attribute.department,attribute.size\n"
        for number in 0..<count {
            let row = rows[number % rows.count]
            let name = [row[4].isEmpty ? "THING" : row[4], row[5], "no \(row[1])"].filter { !$0.isEmpty }.joined(separator: " ")
            text += "B\(number / rows.count)-\(row[0]),\(name),\(row[7].isEmpty ? Self.usualPrice : row[7]),EUR,\(row[3]),\(row[6]) \(row[1]),10,\(row[2]),\(row[5])\n"
        }
        file = Array(text.utf8)
        self.count = count
        var categories: [String: [String: Int]] = [:]
        for row in rows.prefix(count) where row[4].count > 5 && !row[3].isEmpty { categories[row[4], default: [:]][row[3], default: 0] += 1 }
        types = categories.compactMap { type, counts in counts.max { $0.value < $1.value }.map { (type, $0.key) } }.sorted { $0.type < $1.type }
    }

    /// The text with one wrong letter in its longest word: in turn replaced, omitted, inserted, or swapped with the next.
    static func misspelt(_ text: String, _ number: Int) -> String {
        let words = text.split { !$0.isLetter }
        guard let word = words.max(by: { $0.count < $1.count }), word.count > 3 else { return text }
        var letters = Array(word)
        let place = 1 + number * 7 % (letters.count - 2)
        switch number % 4 {
        case 0: letters[place] = letters[place] == "X" ? "Q" : "X"
        case 1: letters.remove(at: place)
        case 2: letters.insert("K", at: place)
        default: letters.swapAt(place, place + 1)
        }
        return text.replacing(word, with: String(letters), maxReplacements: 1)
    }
}
