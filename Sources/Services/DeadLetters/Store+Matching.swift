import FoundationEssentials
import PostgreSQL
import Secrets

extension DeadLetterStore {
    /// The maximum number of letters counted one by one, when the counts of groups do not cover a filter.
    static let maximumCounted = 1_000

    /// A page of letters, newest first.
    static func listing(_ filter: DeadLetterFilter, after: Position?, limit: Int) -> SQL {
        let condition = matching(filter) + following(after)
        let order: SQL = "ORDER BY last_seen_at DESC, id DESC LIMIT \(limit)"
        if filter.isSearch { return searching(filter, after: after, limit: limit, bounds: .standard) }
        guard filter.isFoundByGroup else { return "SELECT \(columns) FROM letters \(condition) \(order)" }
        // No index covers the whole filter, but the counts show which groups and states contain such letters, and each has an index by time.
        return """
            SELECT \(columns)
            FROM (
                SELECT DISTINCT group_counts.group_id AS wanted_group, group_counts.state AS wanted_state \(counted(filter))
            ) AS wanted
            CROSS JOIN LATERAL (
                SELECT * FROM letters \(condition) AND group_id = wanted_group AND state = wanted_state \(order)
            ) AS letters
            \(order)
            """
    }

    static func following(_ after: Position?) -> SQL {
        guard let after else { return "" }
        return " AND (last_seen_at, id) < (\(after.lastSeenAt), \(after.id))"
    }

    /// The condition of a filter, for a statement that reads from `letters` alone.
    static func matching(_ filter: DeadLetterFilter) -> SQL {
        var sql: SQL = "WHERE true"
        // The state is one of four words, and as a literal it lets the planner use the indexes of the open ones.
        if let state = filter.state { sql += " AND state = '\(raw: state.rawValue)'" }
        sql += kind(of: filter)
        if let queue = filter.queue { sql += " AND queue = \(queue)" }
        if let group = filter.group { sql += " AND group_id = \(group)" }
        if let order = filter.order { sql += " AND order_id = \(order)" }
        if let since = filter.since { sql += " AND last_seen_at >= \(since)" }
        if let until = filter.until { sql += " AND last_seen_at < \(until)" }
        if let words = words(of: filter) { sql += " AND \(words)" }
        if let header = filter.header { sql += " AND headers ->> \(header.name) = \(header.value)" }
        // Any bytes can be written in this form, and its ASCII letters can be compared in lower case. With a collation other than "C", lower() would convert each body to wide
        // characters.
        if let text = filter.text {
            sql += #" AND strpos(lower(encode(body, 'escape') COLLATE "C"), lower(encode(convert_to(\#(text), 'UTF8'), 'escape') COLLATE "C")) > 0"#
        }
        return sql
    }

    /// The condition that the word index covers; nil if the filter has no words.
    static func words(of filter: DeadLetterFilter) -> SQL? {
        let header = filter.header.map { SearchWords.query(header: $0.name, $0.value) }
        let queries = [header, filter.text.flatMap(SearchWords.query(text:))].compactMap(\.self)
        return queries.isEmpty ? nil : "words @@ \(queries.joined(separator: " & "))::tsquery"
    }

    /// What all letters of a group have in common.
    private static func kind(of filter: DeadLetterFilter, ofGroups: Bool = false) -> SQL {
        let table: SQL = ofGroups ? "groups" : "letters"
        var sql: SQL = ""
        if let service = filter.service { sql += " AND \(table).service = \(service)" }
        // Nothing else is in the queue's index.
        if let queue = filter.queue { sql += " AND \(table).service = \(GroupKey.service(of: queue))" }
        if let operation = filter.operation { sql += " AND \(table).operation = \(operation)" }
        if let cause = filter.cause { sql += " AND \(table).cause = \(cause)" }
        return sql
    }

    /// The letters by cause and queue, most frequent first.
    static func counting(_ filter: DeadLetterFilter) -> SQL {
        guard filter.isCounted else {
            return """
                SELECT cause, queue, count(*) AS count
                FROM (SELECT cause, queue FROM letters \(matching(filter)) LIMIT \(maximumCounted)) AS matching
                GROUP BY cause, queue
                ORDER BY count(*) DESC, cause, queue
                LIMIT \(maximumCauses)
                """
        }
        return """
            SELECT groups.cause, group_counts.queue, sum(letters)::bigint AS count \(counted(filter))
            GROUP BY groups.cause, group_counts.queue
            ORDER BY sum(letters) DESC, groups.cause, group_counts.queue
            LIMIT \(maximumCauses)
            """
    }

    /// The counts of the letters that a filter selects, as far as its parts are those of groups.
    static func counted(_ filter: DeadLetterFilter) -> SQL {
        var sql: SQL = "FROM group_counts JOIN groups ON groups.id = group_counts.group_id WHERE letters > 0\(kind(of: filter, ofGroups: true))"
        if let state = filter.state { sql += " AND group_counts.state = \(state.rawValue)" }
        if let queue = filter.queue { sql += " AND group_counts.queue = \(queue)" }
        if let group = filter.group { sql += " AND groups.id = \(group)" }
        return sql
    }
}

extension DeadLetterFilter {
    /// Whether a page of it is found through groups: by a group, a queue, or by several parts, or by one in another state than `open`.
    fileprivate var isFoundByGroup: Bool {
        // These have indexes of their own, which select few letters.
        guard order == nil, header == nil, text == nil else { return false }
        let parts = [service, operation, cause].count { $0 != nil }
        return group != nil || queue != nil || parts > 1 || (parts == 1 && state != .open)
    }
}
