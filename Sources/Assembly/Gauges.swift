import AMQP
import Instruments
import Messaging
import Metrics
import PostgreSQL
import ServiceLifecycle

/// A part of a process whose gauges are updated when metrics are collected.
protocol HasGauges: Sendable {
    func updateGauges()
}

extension ThreadBound: HasGauges {
    func updateGauges() { (service as? any HasGauges)?.updateGauges() }
}

extension Worker: HasGauges {}

extension Publisher: HasGauges {
    func updateGauges() {
        Instrument.brokerConnected.gauge(purpose).record(isConnected ? 1 : 0)
        Instrument.brokerBlocked.gauge(purpose).record(isBlocked ? 1 : 0)
    }
}

extension Consumer: HasGauges {
    func updateGauges() { Instrument.brokerConnected.gauge(purpose).record(isConnected ? 1 : 0) }
}

/// The gauges of a service's pool.
struct PoolGauges: Service, HasGauges {
    let pool: PostgresPool
    let service: ServiceName

    func run() async throws {
        try? await gracefulShutdown()
    }

    func updateGauges() {
        let usage = pool.usage
        Instrument.databaseConnections.gauge(service.rawValue, "lent").record(usage.lent)
        Instrument.databaseConnections.gauge(service.rawValue, "idle").record(usage.atRest)
        Instrument.databaseWaiters.gauge(service.rawValue).record(usage.waiting)
    }
}
