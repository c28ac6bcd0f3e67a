import PostgreSQL

/// Every SKU with the sums of what has changed it: added up by the server, read through a cursor.
struct StockPages: Sendable {
    static let pageSize = 1_000

    let catalog: any SQLConnection

    func forEach(_ body: (StockSums) -> Void) async throws {
        try await catalog.execute(
            """
            DECLARE stock_sums NO SCROLL CURSOR FOR
            SELECT sku, on_hand, reserved, coalesce(moved, 0)::bigint AS moved, coalesce(sold, 0)::bigint AS sold, coalesce(held, 0)::bigint AS held
            FROM stock
            FULL JOIN (SELECT sku, sum(delta) AS moved FROM stock_movements GROUP BY sku) AS movements USING (sku)
            FULL JOIN (
                SELECT sku, sum(quantity) FILTER (WHERE state = 'committed') AS sold, sum(quantity) FILTER (WHERE state = 'reserved') AS held
                FROM reservations, unnest(skus, quantities) AS line (sku, quantity)
                WHERE state IN ('committed', 'reserved')
                GROUP BY sku
            ) AS lines USING (sku)
            """)
        while true {
            let rows = try await catalog.query("FETCH \(raw: String(Self.pageSize)) FROM stock_sums")
            for row in rows {
                body(
                    StockSums(
                        sku: try row.decode("sku"), onHand: try row.decode("on_hand"), reserved: try row.decode("reserved"),
                        moved: try row.decode("moved"), sold: try row.decode("sold"), held: try row.decode("held")))
            }
            guard rows.count == Self.pageSize else { break }
        }
        try await catalog.execute("CLOSE stock_sums")
    }
}
