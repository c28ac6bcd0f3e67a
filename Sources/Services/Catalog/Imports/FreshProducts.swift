import FoundationEssentials
import IOThreads
import PostgreSQL

/// The rows of a step if all of them describe products without variants that are expected to be new, with the statements that look them up and insert them.
///
/// For such rows, only the slugs have to be chosen. So the statements are encoded when the rows are read, while the database works on the preceding rows.
struct FreshProducts: Sendable {
    let wishes: [SlugChoice.Wish]
    /// Locks the products, checks whether any of the rows is known (`is_known`), and looks up the first choices for their slugs.
    let lookUp: [SQL]
    let keys: SQL
    let stock: ImportStock.Beginning
    let insertion: ProductInsertion

    /// Nil if any row describes anything else.
    init?(_ rows: [KeyedRow], _ new: [Int: NewRow], _ keys: ImportPart.Keys, _ job: ImportJob) {
        guard !rows.isEmpty, rows.count == new.count, !keys.areRepeated else { return nil }
        var wishes: [SlugChoice.Wish] = []
        var counts: [(sku: String, onHand: Int)] = []
        wishes.reserveCapacity(rows.count)
        counts.reserveCapacity(rows.count)
        for row in rows {
            guard let new = new[row.row.line], row.parts.isEmpty, new.wish.product.variants.isEmpty, new.wish.product.slug == nil else { return nil }
            wishes.append(new.wish)
            counts.append((row.key, new.imported.stock ?? 0))
        }
        guard let insertion = try? ProductInsertion(of: wishes.map { ($0.id, $0.product) }) else { return nil }
        self.wishes = wishes
        self.insertion = insertion
        self.keys = ImportStore.recording(keys, of: job.id)
        stock = ImportStock.Beginning(counts, job)
        let isKnown: SQL = """
            SELECT EXISTS (SELECT FROM import_keys WHERE import_id = \(job.id) AND key = ANY(\(keys.names)))
                OR EXISTS (SELECT FROM products WHERE sku = ANY(\(keys.names)) AND NOT archived)
                OR EXISTS (SELECT FROM variants WHERE sku = ANY(\(keys.names)) AND NOT archived)
                OR EXISTS (SELECT FROM stock WHERE sku = ANY(\(keys.names))) AS is_known
            """
        lookUp = [ProductStore.locking, isKnown, ProductStore.lookingUp(slugs: wishes.map(\.first))]
    }

    /// Inserts the products. If any of them is known, returns false and changes nothing: the caller then decides row by row.
    ///
    /// Each stage of choosing slugs is computed while the database works on a statement; otherwise the database would be idle meanwhile.
    func insert(now: Date, on transaction: any SQLConnection) async throws -> Bool {
        let found = try await transaction.pipeline(lookUp)
        guard try found[1].first?.decode("is_known") == false else { return false }
        let taken: Set<String> = try Set(found[2].map { try $0.decode("slug") })
        async let first = SlugChoice(among: wishes, taken: taken)
        try await transaction.execute(keys)
        let choice = await first
        let numbersInUse = try await ProductStore.taken(slugs: choice.numbers, on: transaction)
        async let second = choice.numbering(without: numbersInUse)
        try await transaction.execute(stock.stock)
        let numbered = await second
        let slugsInUse = try await ProductStore.taken(slugs: numbered.slugsWithSKU, on: transaction)
        async let last = slugs(numbered.completed(without: slugsInUse))
        try await transaction.execute(stock.movements(at: now))
        // No SKU or slug is taken: they were looked up under the lock of products, which is still held. `ON CONFLICT` would look them up again.
        try await transaction.execute(insertion.statement(slugs: await last, now: now))
        return true
    }

    private func slugs(_ choice: SlugChoice) -> [String] {
        var choice = choice
        // The choice is never nil, because no product was given a slug.
        return wishes.map { wish in
            pauseIfNeeded()
            return choice.slug(for: wish) ?? wish.first
        }
    }
}
