import FoundationEssentials
import Instruments
public import Logging
public import Messaging
public import PostgreSQL
public import Runtime

extension DeadLettersService {
    /// Keeps the gauges of open dead letters up to date, by the service from which they come.
    /// - Parameter services: The services from which letters may come.
    public static func gauges(of database: any Database, services: [String], clock: any WallClock, logger: Logger) -> GaugeWatch {
        let (counts, ages) = (GaugeSet(.deadLettersOpen, labels: services), GaugeSet(.deadLetterOldestAge, labels: services))
        return GaugeWatch([counts, ages], of: database, clock: clock, logger: logger) { connection, now in
            let services = try await Statistics.openByService(on: connection)
            counts.set(Dictionary(services.map { ($0.service, Double($0.open)) }, uniquingKeysWith: +))
            ages.set(
                Dictionary(services.map { ($0.service, $0.oldest.map { max(0, now.timeIntervalSince($0)) } ?? 0) }, uniquingKeysWith: max))
        }
    }
}
