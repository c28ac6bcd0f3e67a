import FoundationEssentials
import Input
import PostgreSQL

/// Groups in PostgreSQL. Nothing here counts letters: triggers keep the counts.
enum GroupStore {
    static let columns: SQL = """
        groups.id, service, operation, cause, text, first_seen_at, last_seen_at, orders, groups.state, name, note, returned,
        coalesce(counted.letters, 0) AS letters, coalesce(counted.open, 0) AS open,
        (
            SELECT newest.id
            FROM (VALUES ('open'), ('replayed'), ('handled'), ('discarded')) AS states (state)
            CROSS JOIN LATERAL (
                SELECT letters.id, letters.last_seen_at FROM letters WHERE letters.group_id = groups.id AND letters.state = states.state
                ORDER BY letters.last_seen_at DESC, letters.id DESC LIMIT 1
            ) AS newest
            ORDER BY newest.last_seen_at DESC, newest.id DESC LIMIT 1
        ) AS example
        """

    static let source: SQL = """
        groups LEFT JOIN LATERAL (
            SELECT sum(letters)::bigint AS letters, (sum(letters) FILTER (WHERE state = 'open'))::bigint AS open,
                   (sum(letters) FILTER (WHERE state IN ('open', 'replayed')))::bigint AS unsettled
            FROM group_counts WHERE group_id = groups.id
        ) AS counted ON true
        """

    /// One list for each query, newest first, one group longer than its page.
    static func lists(_ lists: [ListGroups], now: Date, on connection: any SQLConnection) async throws -> [[DeadLetterGroup]] {
        let results = try await connection.pipeline(lists.map(listing))
        let hours = try await hours(of: try results.flatMap { try $0.map { try $0.decode("id", as: UUID.self) } }, now: now, on: connection)
        return try results.map { try $0.map { try group($0, hours) } }
    }

    private static func listing(_ list: ListGroups) -> SQL {
        var sql: SQL = "SELECT \(columns) FROM \(source) WHERE counted.letters > 0"
        if let state = list.state { sql += " AND groups.state = \(state.rawValue)" }
        // An open group without a waiting letter needs no attention.
        if list.state == .open { sql += " AND counted.unsettled > 0" }
        if let service = list.service { sql += " AND service = \(service)" }
        if let after = list.after { sql += " AND (last_seen_at, groups.id) < (\(after.lastSeenAt), \(after.id))" }
        return sql + " ORDER BY last_seen_at DESC, groups.id DESC LIMIT \(list.page.limit + 1)"
    }

    static func find(_ ids: [UUID], now: Date, on connection: any SQLConnection) async throws -> [UUID: DeadLetterGroup] {
        let rows = try await connection.query("SELECT \(columns) FROM \(source) WHERE groups.id = ANY(\(ids))")
        let hours = try await hours(of: ids, now: now, on: connection)
        let groups = try rows.map { try group($0, hours) }
        return Dictionary(groups.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Deaths by hour, the oldest first; groups without any are missing.
    static func hours(of ids: [UUID], now: Date, on connection: any SQLConnection) async throws -> [UUID: [Int]] {
        let first = firstHour(now)
        let rows = try await connection.query("SELECT group_id, hour, deaths FROM group_hours WHERE hour >= \(first) AND group_id = ANY(\(ids))")
        var hours: [UUID: [Int]] = [:]
        for row in rows {
            let place = place(of: try row.decode("hour"), from: first)
            guard noHours.indices.contains(place) else { continue }
            hours[try row.decode("group_id"), default: noHours][place] = try row.decode("deaths")
        }
        return hours
    }

    /// The beginning of the oldest hour that is shown.
    static func firstHour(_ now: Date) -> Date {
        Date(timeIntervalSince1970: ((now.timeIntervalSince1970 / 3_600).rounded(.down) - Double(DeadLetterGroup.hours - 1)) * 3_600)
    }

    static func place(of hour: Date, from first: Date) -> Int {
        Int(exactly: (hour.timeIntervalSince(first) / 3_600).rounded(.down)) ?? -1
    }

    static let noHours = [Int](repeating: 0, count: DeadLetterGroup.hours)

    private static func group(_ row: Row, _ hours: [UUID: [Int]]) throws -> DeadLetterGroup {
        let id: UUID = try row.decode("id")
        return DeadLetterGroup(
            id: id, service: try row.decode("service"), operation: try row.decode("operation"), cause: try row.decode("cause"),
            text: try row.decode("text"), count: try row.decode("letters"), open: try row.decode("open"), orders: try row.decode("orders"),
            firstSeenAt: try row.decode("first_seen_at"), lastSeenAt: try row.decode("last_seen_at"), perHour: hours[id] ?? noHours,
            example: try row.decode("example"), name: try row.decode("name"), note: try row.decode("note"),
            state: DeadLetterGroupState(rawValue: try row.decode("state")) ?? .open,
            returned: DeadLetterGroup.Returned(rawValue: try row.decode("returned")) ?? .never)
    }
}
