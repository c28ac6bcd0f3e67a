import Assembly
import Logging
import Messaging
import Operations
import PostgreSQL
import Topology
import Users

/// The work between the servers' answer and the start of the first role, in this process and with administrators' credentials.
package struct Setup: Sendable {
    /// All settings, every service's own URLs among them.
    typealias Step = @Sendable (_ environment: [String: String], _ logger: Logger) async throws -> Void

    /// Gives each service its database role and its schema, and brings the schema up to date.
    let migrate: Step
    /// Brings users, exchanges, queues and bindings to RabbitMQ, and finds out whether the users can log in.
    let applyTopology: Step
    /// Makes sure that the administrator can sign in; after ``migrate``.
    let ensureAdministrator: @Sendable (_ email: String, _ password: String, _ environment: [String: String], _ logger: Logger) async throws -> Void
}

extension Setup {
    private static let definitions = "topology/definitions.json"

    package static let standard = Setup(
        migrate: { environment, logger in
            try await Database.migrate(Settings(environment: environment), logger: logger)
        },
        applyTopology: { environment, _ in
            let settings = try Settings(environment: environment)
            _ = try await Broker.apply(definitions: definitions, settings)
            try await BrokerLogins(clock: SystemClock()).check(Broker.definitions(definitions).users.map(\.name), settings)
        },
        ensureAdministrator: { email, password, environment, logger in
            let assembly = Assembly(settings: try Settings(environment: environment), logger: logger, name: "up")
            let database = try assembly.database(.users)
            do {
                try await UsersService.ensureAdmin(
                    email: email, password: password, on: database, clock: assembly.clock, randomness: assembly.randomness)
            } catch {
                await database.close()
                throw error
            }
            await database.close()
        })
}
