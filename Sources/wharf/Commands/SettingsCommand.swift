import ArgumentParser
import Assembly
import Operations

struct SettingsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settings", abstract: "Prints all settings with their values (secrets hidden), defaults and sources.")

    func run() throws {
        let settings = try Role.stoppingOnBadSettings { try Settings.load() }
        print(settings.tableText())
    }
}
