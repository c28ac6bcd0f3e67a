import ArgumentParser

/// One executable; its subcommands are the roles and the tools.
@main
struct Wharf: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wharf",
        abstract: "A commerce backend made of message queues, which cannot lose an order.",
        groupedSubcommands: [
            CommandGroup(name: "Everything on this machine", subcommands: [Up.self, Status.self, Load.self, Bench.self, Simulate.self, Chaos.self]),
            CommandGroup(name: "Roles", subcommands: [IngressCommand.self, WorkerCommand.self, SandboxCommand.self]),
            CommandGroup(
                name: "Operations",
                subcommands: [
                    MigrateCommand.self, TopologyCommand.self, AdministratorCommand.self, DeadLettersCommand.self,
                    AuditCommand.self, InboxCommand.self, HealthCommand.self, SettingsCommand.self,
                ]),
        ])
}
