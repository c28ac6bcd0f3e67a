import ArgumentParser
import Assembly
import Glibc

/// The production executable: the roles, and the operators' commands.
@main
struct Wharf: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wharf",
        abstract: "A commerce backend made of message queues, which cannot lose an order.",
        groupedSubcommands: [
            CommandGroup(name: "Roles", subcommands: [IngressCommand.self, WorkerCommand.self, ConsoleCommand.self, AutoscaleCommand.self]),
            CommandGroup(
                name: "Operations",
                subcommands: [
                    MigrateCommand.self, TopologyCommand.self, AdministratorCommand.self, DeadLettersCommand.self, CheckoutsCommand.self, ImportsCommand.self, PaymentsCommand.self,
                    AuditCommand.self, InboxCommand.self, Status.self, HealthCommand.self, SettingsCommand.self,
                ]),
        ])

    /// A reader that has gone, such as `head`, ends the output but not the command. A handler, because an ignored signal would stay ignored in child processes.
    static func main() async {
        signal(SIGPIPE, leaveToWriters)
        await runAndEndProcess()
    }
}

/// A signal handler belongs to no actor, which a closure in `main` would.
private nonisolated func leaveToWriters(_ signal: Int32) {}
