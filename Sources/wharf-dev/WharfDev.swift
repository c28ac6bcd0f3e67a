import ArgumentParser
import Assembly
import Bench
import Chaos
import Load
import Up

/// The commands for people who build Wharf or try it: none of them runs in production.
@main
struct WharfDev: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wharf-dev",
        abstract: "Runs all of Wharf on this machine, and tries to break it.",
        groupedSubcommands: [
            CommandGroup(name: "Everything on this machine", subcommands: [Up.self, ServersCommand.self, ClockCommand.self, SandboxCommand.self]),
            CommandGroup(name: "Trials", subcommands: [Load.self, Bench.self, Chaos.self, Simulate.self]),
        ])

    static func main() async {
        await runAndEndProcess()
    }
}
