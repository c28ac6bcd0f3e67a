import FoundationEssentials
import Instruments
public import Logging
public import Messaging
public import PostgreSQL
public import Runtime

extension DeadLettersService {
    /// The label of letters that come from no known service: anything that may publish to the broker can make up the name of a queue.
    static let otherServices = "other"

    /// Keeps the gauges of open dead letters up to date, by the service from which they come.
    /// - Parameter services: The services that have a label of their own.
    public static func gauges(of database: any Database, services: [String], clock: any WallClock, logger: Logger) -> GaugeWatch {
        let labels = services + [otherServices]
        let (counts, ages) = (GaugeSet(.deadLettersOpen, labels: labels), GaugeSet(.deadLetterOldestAge, labels: labels))
        return GaugeWatch([counts, ages], of: database, clock: clock, logger: logger) { connection, now in
            let found = try await Statistics.openByService(first: services, on: connection).map { (services.contains($0.service) ? $0.service : otherServices, $0) }
            counts.set(Dictionary(found.map { ($0, Double($1.open)) }, uniquingKeysWith: +))
            ages.set(Dictionary(found.map { ($0, $1.oldest.map { max(0, now.timeIntervalSince($0)) } ?? 0) }, uniquingKeysWith: max))
        }
    }
}
