import FoundationEssentials
import Input
import Messaging
import PostgreSQL
import Runtime

struct StatisticsView: Sendable, Codable {
    struct Service: Sendable, Codable {
        let service: String
        let open: Int
        /// When the oldest open letter was last seen.
        let oldest: Date?
    }

    /// The number of letters in each state.
    let states: [String: Int]
    /// Services with open letters, those with the most letters first; at most ``Statistics/maximumServices``.
    let services: [Service]
    /// The number of deaths in each of the last hours, oldest first.
    let perHour: [Int]
}

/// Statistics, read without counting letters.
struct Statistics: Sendable {
    /// More than there are. The limit is for made-up names: a service is the first part of a queue's name, which anything that may publish to the broker can choose.
    static let maximumServices = 100

    let clock: any WallClock

    static func read(_ request: Request) throws { try Fields.read(request) { _ in } }

    func get(_ items: [IncomingMessage<Void>], on connection: any SQLConnection) async throws -> [Outcome] {
        let now = clock.now()
        let first = GroupStore.firstHour(now)
        let results = try await connection.pipeline([
            "SELECT state, sum(letters)::bigint AS letters FROM group_counts GROUP BY state",
            Self.openServices(),
            "SELECT hour, sum(deaths)::bigint AS deaths FROM group_hours WHERE hour >= \(first) GROUP BY hour",
        ])
        var states = Dictionary(DeadLetterState.allCases.map { ($0.rawValue, 0) }, uniquingKeysWith: +)
        for row in results[0] { states[try row.decode("state")] = try row.decode("letters") }
        let services = try results[1].map(StatisticsView.Service.init)
        var perHour = GroupStore.noHours
        for row in results[2] {
            let place = GroupStore.place(of: try row.decode("hour"), from: first)
            if perHour.indices.contains(place) { perHour[place] = try row.decode("deaths") }
        }
        let view = StatisticsView(states: states, services: services, perHour: perHour)
        return try items.map { _ in .done(try Reply(json: view)) }
    }

    private static func openServices(first known: [String] = []) -> SQL {
        """
        SELECT service, open,
               (SELECT last_seen_at FROM letters WHERE state = 'open' AND letters.service = counted.service ORDER BY last_seen_at, id LIMIT 1) AS oldest
        FROM (
            SELECT service, sum(letters)::bigint AS open
            FROM group_counts JOIN groups ON groups.id = group_id
            WHERE group_counts.state = 'open' GROUP BY service HAVING sum(letters) > 0
            ORDER BY service = ANY(\(known)) DESC, open DESC, service LIMIT \(maximumServices)
        ) AS counted
        ORDER BY open DESC, service
        """
    }

    /// Services with open letters, at most ``maximumServices``.
    /// - Parameter known: Services that come first, so that the limit never cuts them off.
    static func openByService(first known: [String], on connection: any SQLConnection) async throws -> [StatisticsView.Service] {
        try await connection.query(openServices(first: known)).map(StatisticsView.Service.init)
    }
}

extension StatisticsView.Service {
    fileprivate init(_ row: Row) throws {
        self.init(service: try row.decode("service"), open: try row.decode("open"), oldest: try row.decode("oldest"))
    }
}
