import ArgumentParser
import Assembly

struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Creates each service's database role and schema, and updates the schema.",
        discussion: """
            WHARF_POSTGRES_URL is an administrator's; each WHARF_POSTGRES_URL_<SERVICE> holds the role and the password that the service will use, \
            and WHARF_POSTGRES_URL_AUDIT those of wharf audit, which can only read. Migrations only go forward; several may run at the same time.
            """)

    func run() async throws {
        let (settings, logger) = try Role.start("migrate")
        try await Database.migrate(settings, logger: logger)
    }
}
