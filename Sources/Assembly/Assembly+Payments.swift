import AMQP
import Messaging
import Payments
import PostgreSQL
import Runtime
import ServiceLifecycle

// What payments does in addition to handling messages.

extension Assembly {
    /// The comparisons with the gateways' lists, and the database that they read. The caller closes the database.
    package func reconciliations() throws -> (database: PostgresPool, each: [Reconciliation]) {
        let gateways = try gateways()
        let database = try database(.payments)
        return (database, gateways.map { Reconciliation(gateway: $0, database: database, clock: clock) })
    }

    func watches(of gateways: [any PaymentGateway], database: PostgresPool, publisher: Publisher) -> [any Service] {
        gateways.flatMap { gateway -> [any Service] in
            let catchUp = EventCatchUp(gateway: gateway, database: database, clock: clock, logger: logger("events")) { [clock] requests in
                let outcomes = await publisher.publish(requests.map { $0.publication(durability: .durable, now: clock.now()) })
                return outcomes.allSatisfy { $0 == .confirmed }
            }
            let reconciliation = Reconciliation(gateway: gateway, database: database, clock: clock)
            return [catchUp, ReconciliationWatch(reconciliation, logger: logger("reconciliation"))]
        }
    }
}
