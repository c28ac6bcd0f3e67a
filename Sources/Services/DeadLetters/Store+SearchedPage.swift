import FoundationEssentials
import PostgreSQL
import Secrets

/// How much one page of a search reads before it uses another index.
struct SearchBounds: Sendable {
    /// The number of letters that are scanned, in some 10 ms, before the word index is used; each slice has at least as many.
    var lookedThrough = 10_000
    /// If at most this many letters have the words of a search, all of them are read.
    var few = 100
    /// How many times as long as the previous slice each slice is.
    var growth = 4
    /// The maximum number of slices. The last one has all remaining letters.
    var slices = 8

    static let standard = SearchBounds()
}

extension DeadLetterStore {
    /// A page of letters with a text or a header, newest first.
    ///
    /// The planner does not know how frequent a word is, and the index of words is not ordered by time. So frequent words are found among the newest letters, and the letters with
    /// rare words are all read. For other words, the index of words and an index by time select the letters of one slice of time after the other, each longer than the previous
    /// one, until the page is full. The work depends on the age of the letters of the page, not on the number of letters with the words.
    static func searching(_ filter: DeadLetterFilter, after: Position?, limit: Int, bounds: SearchBounds) -> SQL {
        var rest = filter
        (rest.text, rest.header) = (nil, nil)
        let others = matching(rest) + following(after)
        let words = words(of: filter) ?? "true"
        // Each state has an index by time. The other parts of the filter are left out, so that they cannot keep the planner from using it.
        let all = matching(DeadLetterFilter(state: filter.state))
        let order: SQL = "ORDER BY last_seen_at DESC, id DESC"
        return """
            WITH RECURSIVE newest AS MATERIALIZED (
                SELECT id FROM (SELECT * FROM letters \(others) \(order) LIMIT \(bounds.lookedThrough)) AS letters
                \(matching(filter)) \(order) LIMIT \(limit)
            ),
            few AS MATERIALIZED (
                SELECT id FROM letters WHERE \(words) AND (SELECT count(*) FROM newest) < \(limit) LIMIT \(bounds.few + 1)
            ),
            -- The first row stands for the scanned letters, and each further row for the next slice. Each has the letters found so far.
            slices AS (
                (
                    SELECT 1::bigint AS number, last_seen_at AS beginning, id AS first, ARRAY(SELECT id FROM newest) AS found,
                           (SELECT last_seen_at FROM letters \(others) \(order) LIMIT 1) - last_seen_at AS span
                    FROM letters \(others) AND (SELECT count(*) FROM few) > \(bounds.few)
                    \(order) OFFSET \(bounds.lookedThrough - 1) LIMIT 1
                )
                UNION ALL
                SELECT number + 1, next.beginning, \(UUID.zero),
                       found || ARRAY(
                           SELECT id
                           FROM (
                               SELECT * FROM letters \(all) AND \(words) AND last_seen_at >= next.beginning AND (last_seen_at, id) < (slices.beginning, first)
                               -- Keeps the planner from choosing an index by the rest of the filter.
                               OFFSET 0
                           ) AS letters
                           \(matching(filter)) \(order) LIMIT \(limit) - cardinality(found)
                       ),
                       CASE WHEN isfinite(next.beginning) THEN slices.beginning - next.beginning END
                FROM slices
                CROSS JOIN LATERAL (
                    SELECT CASE WHEN number < \(bounds.slices) THEN least(slices.beginning - span * \(Double(bounds.growth)), least_slice.beginning) ELSE '-infinity' END AS beginning
                    FROM (
                        SELECT coalesce((
                            SELECT last_seen_at FROM letters \(all) AND (last_seen_at, id) < (slices.beginning, first)
                            \(order) OFFSET \(bounds.lookedThrough - 1) LIMIT 1
                        ), '-infinity') AS beginning
                    ) AS least_slice
                    OFFSET 0
                ) AS next
                WHERE cardinality(found) < \(limit) AND (slices.beginning, first) > (coalesce(\(filter.since)::timestamptz, '-infinity'), \(UUID.zero))
            )
            SELECT \(columns) FROM letters
            \(matching(filter))\(following(after)) AND id = ANY(
                CASE WHEN (SELECT count(*) FROM newest) = \(limit) THEN ARRAY(SELECT id FROM newest)
                     WHEN (SELECT count(*) FROM few) <= \(bounds.few) THEN ARRAY(SELECT id FROM few)
                     ELSE coalesce((SELECT found FROM slices ORDER BY number DESC LIMIT 1), ARRAY(SELECT id FROM newest))
                END
            )
            \(order) LIMIT \(limit)
            """
    }
}
