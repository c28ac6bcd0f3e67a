import FoundationEssentials
import Instruments
public import Logging
public import Messaging
public import PostgreSQL
public import Runtime

extension OrdersService {
    /// The maximum number of running checkouts that are read, oldest first. A healthy shop has fewer, and reading this many takes a few milliseconds.
    private static let maximumRunning = 10_000

    /// Keeps the gauges of running checkouts up to date: their number in each phase, the age of the oldest, and the number of stuck ones.
    public static func gauges(of database: any Database, clock: any WallClock, logger: Logger) -> GaugeWatch {
        let phases = Checkout.Phase.allCases.filter { ![.confirmed, .rejected, .cancelled].contains($0) }.map(\.rawValue)
        let (counts, ages) = (GaugeSet(.checkouts, labels: phases), GaugeSet(.checkoutOldestAge, labels: phases))
        let stuck = GaugeSet(.checkoutsStuck, labels: [""])
        return GaugeWatch([counts, ages, stuck], of: database, clock: clock, logger: logger) { connection, now in
            let rows = try await connection.query(
                """
                SELECT phase, count(*) AS count, min(listed_at) AS oldest, count(*) FILTER (WHERE drives >= \(CheckoutFilter.stuckAfter)) AS stuck
                FROM (
                    SELECT phase, drives, listed_at FROM checkouts WHERE due_minute IS NOT NULL ORDER BY listed_at, order_id LIMIT \(maximumRunning)
                ) AS running
                GROUP BY phase
                """)
            var (count, age, stuckCount): ([String: Double], [String: Double], Double) = ([:], [:], 0)
            for row in rows {
                let phase: String = try row.decode("phase")
                count[phase] = Double(try row.decode("count", as: Int.self))
                age[phase] = max(0, now.timeIntervalSince(try row.decode("oldest", as: Date.self)))
                stuckCount += Double(try row.decode("stuck", as: Int.self))
            }
            counts.set(count)
            ages.set(age)
            stuck.set(["": stuckCount])
        }
    }
}
