import ArgumentParser
import Assembly
import FoundationEssentials
import Operator
import Terminal

extension DeadLettersCommand {
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints complete letters as NDJSON, for import into this shop or another one.",
            discussion: """
                One letter per line; a body of more than 1 MiB continues in the following lines. Memory use does not depend on the number or size of the letters. A letter \
                that changes during the export may be missing or appear twice.
                """)

        @OptionGroup(title: "Filter") var filter: LetterFilter
        @Option(help: LetterStates.help) var state = "open"

        func run() async throws {
            let parameters = filter.parameters.merging(["state": state]) { $1 }
            let count = try await ShellRequests.run("dead-letters") { try await LetterTransfer.export(parameters, $0) { Console.print($0) } }
            Role.complain("\(count) letters exported")
        }
    }

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Imports exported letters from a file or standard input.",
            discussion: """
                Existing letters are left unchanged or completed, so an import can be repeated. \
                Exit status 0: all were accepted. 1: some were not; each is named with its line.
                """)

        @Argument(help: "The file; - for standard input.") var file = "-"
        @Flag(help: "Check all lines without importing them.") var dryRun = false

        func run() async throws {
            let (file, dryRun) = (file, dryRun)
            let result = try await ShellRequests.run("dead-letters") { shell in
                let lines = try LineReader(path: file)
                return try await LetterTransfer.import({ try lines.next() }, dryRun: dryRun, shell) { Role.complain($0) }
            }
            Role.complain(result.text(dryRun: dryRun))
            if result.refused > 0 { throw ExitCode.failure }
        }
    }
}
