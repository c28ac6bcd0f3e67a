import Contracts
import FoundationEssentials
import Input
import Messaging
import PostgreSQL

extension DeadLetterStore {
    /// The longest time for one statement of a search. Without it, a text whose words occur in nearly all letters, but never in this order, would take seconds.
    static let longestSearch: Duration = .seconds(2)
    /// The maximum of letters counted for a dry run, if the counts of groups do not cover its filter.
    static let maximumSelected = 100_000

    /// A page of letters with one more than was requested, and with the causes if it is the first page; nil if the search takes too long. If only counting the causes takes
    /// too long, the page comes without them.
    static func search(_ list: ListLetters, on database: any Database) async throws -> (letters: [DeadLetterSummary], causes: [CauseCount]?)? {
        let found = try await limited(on: database) { try await DeadLetterStore.list(list.filter, after: list.after, limit: list.page.limit + 1, on: $0) }
        guard let found else { return nil }
        guard list.after == nil else { return (found, nil) }
        return (found, try await limited(on: database) { try await causes(list.filter, on: $0) })
    }

    /// The letters on which a job with this filter would act; nil if the search takes too long.
    static func preview(_ filter: DeadLetterFilter, on database: any Database) async throws -> DryRunView? {
        try await limited(on: database) { transaction in
            let row = try await transaction.query(
                """
                SELECT count(*) AS letters, count(DISTINCT order_id) AS orders
                FROM (SELECT order_id FROM letters \(matching(filter)) LIMIT \(maximumSelected + 1)) AS selected
                """
            ).first
            let causes = try await causes(filter, on: transaction)
            let (letters, orders): (Int, Int) = (try row?.decode("letters") ?? 0, try row?.decode("orders") ?? 0)
            guard letters > maximumSelected else { return DryRunView(selected: letters, orders: orders, byCause: causes, atLeast: nil) }
            let counted = filter.isCounted ? try await transaction.query("SELECT coalesce(sum(letters), 0)::bigint AS letters \(counted(filter))").first : nil
            return DryRunView(selected: try counted?.decode("letters") ?? maximumSelected, orders: orders, byCause: causes, atLeast: true)
        }
    }

    /// Runs read-only statements, each with a time limit; nil if one takes longer.
    private static func limited<Result: Sendable>(on database: any Database, _ body: @Sendable (any SQLConnection) async throws -> Result) async throws -> Result? {
        do {
            return try await database.transaction { transaction in
                try await transaction.execute("SET LOCAL statement_timeout = '\(raw: "\(longestSearch.components.seconds)s")'")
                return try await body(transaction)
            }
        } catch let error as PostgresError where error.sqlState == PostgresError.queryCanceled {
            return nil
        }
    }
}

extension DeadLetterFilter {
    /// True if the filter contains words to search for.
    var isSearch: Bool { text != nil || header != nil }

    /// True if the counts of groups cover the filter.
    var isCounted: Bool { order == nil && since == nil && until == nil && !isSearch }
}

extension Problem {
    static let searchTooBroad = Problem(
        "search-too-broad", title: "Search too broad", status: 422,
        detail: "Too many dead letters contain these words to search them all. Narrow the filter by group, service, since or until.")
}
