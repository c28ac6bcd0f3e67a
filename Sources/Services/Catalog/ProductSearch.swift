import FoundationEssentials
import Input
import Messaging
import PostgreSQL

/// Answers lists of products: turns the search into a query, and the matches into a page.
struct ProductSearch: Sendable {
    struct Result: Sendable {
        let rows: [ProductRow]
        let listing: ProductListing
        let facets: [String: [FacetValue]]?
    }

    let connection: any SQLConnection

    func result(of list: ListProducts) async throws -> Result {
        let (text, keys) = try await read(list)
        let found = if let text { try await search(text, list, keys) } else { try await gather(list, keys) }
        return Result(rows: found.rows, listing: found.listing, facets: try await facets(found.listing))
    }

    private struct Found {
        let rows: [ProductRow]
        let listing: ProductListing
    }

    /// A list without a search.
    private func gather(_ list: ListProducts, _ keys: ProductListing.Keys) async throws -> Found {
        var listing = ProductListing(list: list, text: nil, mode: nil, keys: keys, gathers: list.filter.isNarrow)
        var rows = try await rows(of: listing)
        if listing.gathers {
            listing.gathers = false
            if rows.first?.hits ?? 0 > ProductListing.maximumGathered { rows = try await self.rows(of: listing) }
        }
        return Found(rows: rows, listing: listing)
    }

    /// Tries one search mode after another until one finds enough. The choice depends on the search alone, not on the filter,
    /// so that a facet's counts agree with what its filter then shows. A cursor records the mode.
    private func search(_ text: SearchText, _ list: ListProducts, _ keys: ProductListing.Keys) async throws -> Found {
        func find(_ text: SearchText, _ mode: SearchMode) async throws -> Found {
            let listing = ProductListing(list: list, text: text, mode: mode, keys: keys)
            return Found(rows: try await rows(of: listing), listing: listing)
        }
        switch list.page.after.flatMap({ ProductCursor($0, of: list) })?.mode {
        case .plain: return try await find(text, .plain)
        case .broad: return try await find(text, .broad)
        case .corrected: return try await find(try await corrected(text), .corrected)
        case .loose:
            let corrected = try await corrected(text)
            return try await find(corrected.loosened ?? corrected, .loose)
        case nil: break
        }
        var found = try await find(text, .plain)
        var hits = try await hits(found)
        if hits > ProductListing.maximumRanked { return try await find(text, .broad) }
        guard hits < ProductListing.fewest else { return found }
        let corrected = try await corrected(text)
        if corrected != text {
            found = try await find(corrected, .corrected)
            hits = try await self.hits(found)
        }
        guard hits == 0, let loosened = corrected.loosened else { return found }
        return try await find(loosened, .loose)
    }

    private func rows(of listing: ProductListing) async throws -> [ProductRow] {
        try await connection.query(listing.page()).map(ProductStore.read)
    }

    /// How many products the search has found before filtering.
    private func hits(_ found: Found) async throws -> Int {
        if let hits = found.rows.first?.hits { return hits }
        return try await connection.query(found.listing.count()).first?.decode("hits") ?? 0
    }

    private func facets(_ listing: ProductListing) async throws -> [String: [FacetValue]]? {
        guard !listing.list.facets.isEmpty else { return nil }
        let rows = try await connection.pipeline(listing.list.facets.map(listing.values))
        return try Dictionary(
            zip(listing.list.facets, rows).map { facet, rows in
                (facet.name, try rows.map { FacetValue(value: try $0.decode("value"), label: try $0.decode("label"), count: try $0.decode("count")) })
            }, uniquingKeysWith: { first, _ in first })
    }

    // MARK: - Words

    /// The search and the filter in their indexed form: the database folds both.
    private func read(_ list: ListProducts) async throws -> (text: SearchText?, keys: ProductListing.Keys) {
        let attributes = list.filter.attributes
        guard list.search != nil || list.filter.brand != nil || !attributes.isEmpty else { return (nil, ProductListing.Keys()) }
        let answers = try await connection.pipeline(
            [
                """
                SELECT brand_key(\(list.filter.brand)) AS brand,
                       ARRAY(SELECT attribute_tag(name, value) FROM unnest(\(attributes.map(\.name)), \(attributes.map(\.value))) WITH ORDINALITY
                             AS given (name, value, place) ORDER BY place) AS attributes
                """
            ] + (list.search.map(Self.reading) ?? []))
        guard let row = answers.first?.first else { return (nil, ProductListing.Keys()) }
        let keys = ProductListing.Keys(brand: try row.decode("brand"), attributes: try row.decode("attributes"))
        guard list.search != nil else { return (nil, keys) }
        return (try Self.text(answers.dropFirst()), keys)
    }

    /// The text in its searchable form.
    func text(_ search: String) async throws -> SearchText? {
        try await Self.text(connection.pipeline(Self.reading(search))[...])
    }

    private static func reading(_ search: String) -> [SQL] {
        [
            "SELECT fold(\(search)) AS folded, code_tag(\(search)) AS code",
            """
            SELECT array_agg(words ORDER BY place) AS terms FROM synonyms
            WHERE words <> '' AND group_number IN (
                SELECT group_number FROM synonyms WHERE words <> '' AND strpos((SELECT ' ' || fold(\(search)) || ' '), ' ' || words || ' ') > 0)
            GROUP BY group_number ORDER BY group_number LIMIT \(SearchText.maximumWords)
            """,
        ]
    }

    private static func text(_ answers: ArraySlice<Rows>) throws -> SearchText? {
        guard let row = answers.first?.first else { return nil }
        return SearchText(
            folded: try row.decode("folded"), code: try row.decode("code"), synonyms: try answers.dropFirst().first?.map { try $0.decode("terms") } ?? [])
    }

    /// Candidates for one word that the index may return.
    private static let maximumCandidates = 200

    /// The same search, which also matches words that differ in one letter.
    func corrected(_ text: SearchText) async throws -> SearchText {
        let words = Array(Set(text.correctable)).sorted()
        guard !words.isEmpty else { return text }
        let rows = try await connection.query(
            """
            SELECT given.word AS given, near.word FROM unnest(\(words)) AS given (word)
            CROSS JOIN LATERAL (
                SELECT word FROM search_words WHERE neighbours && neighbours(given.word) ORDER BY word LIMIT \(Self.maximumCandidates)) AS near
            """)
        var near: [String: [String]] = [:]
        for row in rows { near[try row.decode("given"), default: []].append(try row.decode("word")) }
        return text.corrected(by: near)
    }
}
