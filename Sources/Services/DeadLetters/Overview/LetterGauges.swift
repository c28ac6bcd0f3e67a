import FoundationEssentials
import Instruments
public import Logging
public import Messaging
public import PostgreSQL
public import Runtime

extension DeadLettersService {
    /// Keeps the gauges of open dead letters, by the service that they are from.
    public static func gauges(of database: any Database, clock: any WallClock, logger: Logger) -> GaugeWatch {
        let (counts, ages) = (GaugeSet(.deadLettersOpen), GaugeSet(.deadLetterOldestAge))
        return GaugeWatch([counts, ages], of: database, clock: clock, logger: logger) { connection, now in
            let services = try await Statistics.openByService(on: connection)
            counts.set(Dictionary(services.map { ($0.service, Double($0.open)) }, uniquingKeysWith: +))
            ages.set(
                Dictionary(services.map { ($0.service, $0.oldest.map { max(0, now.timeIntervalSince($0)) } ?? 0) }, uniquingKeysWith: max))
        }
    }
}
