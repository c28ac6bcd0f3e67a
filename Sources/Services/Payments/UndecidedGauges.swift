import FoundationEssentials
import Instruments
public import Logging
public import Messaging
public import PostgreSQL
public import Runtime

extension PaymentsService {
    /// The maximum number counted of each kind.
    private static let maximumUndecided = 1_000

    /// Keeps the gauge of payments, refunds and unclaimed payments that wait for an operator's decision up to date.
    public static func gauges(of database: any Database, clock: any WallClock, logger: Logger) -> GaugeWatch {
        let counts = GaugeSet(.paymentsUndecided, labels: ["payment", "refund", "unclaimed"])
        return GaugeWatch([counts], of: database, clock: clock, logger: logger) { connection, _ in
            let row = try await connection.query(
                """
                SELECT
                    (SELECT count(*) FROM (SELECT FROM attempts WHERE unresolved_since IS NOT NULL LIMIT \(maximumUndecided)) AS one) AS payments,
                    (SELECT count(*) FROM (SELECT FROM refunds WHERE state = 'needsOperator' LIMIT \(maximumUndecided)) AS one) AS refunds,
                    (SELECT count(*) FROM (SELECT FROM unclaimed_payments WHERE settled_at IS NULL LIMIT \(maximumUndecided)) AS one) AS unclaimed
                """
            ).first
            guard let row else { return }
            func count(_ column: String) throws -> Double { Double(try row.decode(column, as: Int.self)) }
            counts.set(["payment": try count("payments"), "refund": try count("refunds"), "unclaimed": try count("unclaimed")])
        }
    }
}
