import ArgumentParser

/// What runs in production: the roles, and the commands of those who operate them.
@main
struct Wharf: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wharf",
        abstract: "A commerce backend made of message queues, which cannot lose an order.",
        groupedSubcommands: [
            CommandGroup(name: "Roles", subcommands: [IngressCommand.self, WorkerCommand.self]),
            CommandGroup(
                name: "Operations",
                subcommands: [
                    MigrateCommand.self, TopologyCommand.self, AdministratorCommand.self, DeadLettersCommand.self,
                    AuditCommand.self, InboxCommand.self, Status.self, HealthCommand.self, SettingsCommand.self,
                ]),
        ])
}
