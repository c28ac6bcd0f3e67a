import PostgreSQL

/// The stock on sale: enough of some goods, too little of others.
enum Stockroom {
    static let plenty = ["tea", "cup", "pot"]
    static let scarce = ["rare", "last"]
    static let skus = plenty + scarce

    static func fill(_ connection: any SQLConnection) async throws {
        for (place, sku) in skus.enumerated() {
            let onHand = plenty.contains(sku) ? 10_000 : 4
            try await connection.execute(
                """
                INSERT INTO catalog.products (id, sku, slug, name, description, price, currency, attributes, images, created_at, updated_at)
                VALUES (\("00000000-0000-4000-8000-00000000000\(place)")::uuid, \(sku), \(sku), \(sku), '', \(100 + place), 'EUR', '{}', '[]',
                        to_timestamp(0), to_timestamp(0))
                """)
            try await connection.execute("INSERT INTO catalog.stock (sku, on_hand) VALUES (\(sku), \(onHand))")
            try await connection.execute(
                "INSERT INTO catalog.stock_movements (sku, delta, reason, at) VALUES (\(sku), \(onHand), 'opening', to_timestamp(0))")
        }
    }
}
