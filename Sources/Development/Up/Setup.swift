import Assembly
import Logging
import Messaging
import Operations
import PostgreSQL
import Users

/// The work between the servers' answer and the start of the first role, in this process and with administrators' credentials.
package struct Setup: Sendable {
    /// All settings, every service's own URLs among them.
    typealias Step = @Sendable (_ environment: [String: String], _ logger: Logger) async throws -> Void

    /// Gives each service its database role and its schema, and brings the schema up to date.
    let migrate: Step
    /// Creates users, exchanges, queues and bindings in RabbitMQ.
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
            _ = try await Broker.apply(definitions: definitions, Settings(environment: environment))
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
