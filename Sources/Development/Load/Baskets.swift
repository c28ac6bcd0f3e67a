import FoundationEssentials
import Seeds
import ShopClient
import Terminal

/// What people bought together: one basket a line, item names separated by commas.
///
/// Names are trimmed and may be in double quotes, with `""` for a quote; empty names and empty lines are left out. An item that stands in a
/// basket twice is bought twice.
package struct Baskets: Sendable, Equatable {
    static let maximumBytes = 64 << 20
    static let maximumGoods = 10_000
    /// As many products as a cart holds.
    static let maximumLines = 100
    static let maximumQuantity = 999

    package struct Line: Sendable, Equatable {
        /// Its place in ``Baskets/goods``.
        package let good: Int
        package var quantity: Int

        package init(good: Int, quantity: Int) {
            self.good = good
            self.quantity = quantity
        }
    }

    /// In the order in which they first occur.
    package private(set) var goods: [Good] = []
    package private(set) var baskets: [[Line]] = []

    /// - Throws: ``LoadError`` with code `noInput` or `badInput`.
    package init(contentsOf path: String) throws(LoadError) {
        guard let data = try? Data(contentsOf: URL(filePath: path)) else {
            throw LoadError(.noInput, "\(path) cannot be read; --baskets needs a file with one basket a line.")
        }
        guard data.count <= Self.maximumBytes else {
            throw LoadError(.badInput, "\(path) is larger than \(Self.maximumBytes >> 20) MiB.")
        }
        do {
            try self.init(Array(data))
        } catch {
            throw LoadError(error.code, "\(path): \(error.message)")
        }
    }

    package init(_ bytes: [UInt8]) throws(LoadError) {
        var places: [String: Int] = [:]
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let names = try BasketLine.names(line, number: index + 1)
            let basket = try add(names, number: index + 1, &places)
            if !basket.isEmpty { baskets.append(basket) }
        }
        if baskets.isEmpty { throw LoadError(.badInput, "there is no basket in it.") }
    }

    private mutating func add(_ names: [String], number: Int, _ places: inout [String: Int]) throws(LoadError) -> [Line] {
        var basket: [Line] = []
        for name in names {
            let good = places[name] ?? goods.count
            if good == goods.count {
                guard goods.count < Self.maximumGoods else {
                    throw LoadError(.badInput, "line \(number): more than \(Self.maximumGoods) different items.")
                }
                places[name] = good
                goods.append(Good(name: name))
            }
            if let place = basket.firstIndex(where: { $0.good == good }) {
                basket[place].quantity += 1
            } else {
                basket.append(Line(good: good, quantity: 1))
            }
        }
        guard basket.count <= Self.maximumLines, basket.allSatisfy({ $0.quantity <= Self.maximumQuantity }) else {
            let bounds = "\(Self.maximumLines) different items and \(Self.maximumQuantity) of one"
            throw LoadError(.badInput, "line \(number): a basket holds at most \(bounds).")
        }
        return basket
    }

    /// The order in which the baskets are bought: as they stand, or shuffled, the same way for the same seed.
    package func order(seed: UInt64?) -> [Int] {
        guard let seed else { return Array(baskets.indices) }
        var generator = SplitMix(seed: seed)
        return baskets.indices.shuffled(using: &generator)
    }
}
