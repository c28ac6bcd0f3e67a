/// A product of the demo catalogue.
struct DemoProduct: Sendable {
    let sku: String
    let name: String
    let description: String
    let category: String
    /// Euro cents.
    let price: Int
    /// Pieces on hand at the beginning, 100 to 1,000.
    let stock: Int

    /// The one that the example order buys.
    static var example: DemoProduct { all[0] }

    /// 60 products in 6 categories.
    static let all: [DemoProduct] = shelves.flatMap { shelf in
        shelf.products.enumerated().map { index, product in
            DemoProduct(
                sku: "\(shelf.prefix)-\(product.code)", name: product.name, description: product.about, category: shelf.category,
                price: product.price, stock: 100 * (1 + (index * 7 + shelf.prefix.utf8.reduce(0) { $0 + Int($1) }) % 10))
        }
    }

    struct Shelf: Sendable {
        let category: String
        /// What its SKUs begin with.
        let prefix: String
        let products: [(code: String, name: String, about: String, price: Int)]
    }
}
