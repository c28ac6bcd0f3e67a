import ArgumentParser
import Contracts
import FoundationEssentials
import Input
import JSON
import Messaging
import Runtime
import Terminal

struct ImportsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "imports", abstract: "Lists, starts and follows imports of products, stock, prices and categories.",
        discussion: "Exit status 0: done. 1: refused, or no answer came. 78: a setting is wrong.",
        subcommands: [List.self, Start.self, Watch.self, Rejected.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists imports, newest first.")

        @Option(help: "The maximum number to list, up to \(PageRequest.maximumLimit).") var limit = PageRequest.defaultLimit

        func run() async throws {
            struct Imports: Decodable { let items: [ImportProgress] }
            let limit = limit
            let imports: Imports = try await ShellRequests.run("imports") { shell in
                try await ImportsCommand.decoded(shell.reply("catalog.imports.list", .query, ["limit": String(limit)]))
            }
            let paint = ImportsCommand.terminal.paint
            Console.print(ImportProgress.table(imports.items, paint) + "\n")
        }
    }

    struct Start: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Imports a file, and follows the import to its end.",
            discussion: "Exit status 0: done, also when rows were rejected. 1: the file was refused, the import failed, or no answer came. 78: a setting is wrong.")

        @Argument(help: "A CSV file, or NDJSON when its name ends in .ndjson or .jsonl. It may be compressed with gzip.") var file: String
        @Option(help: "What the rows are: products, stock, prices or categories.") var kind = "products"
        @Flag(help: "Check every row, and change nothing.") var dryRun = false
        @Option(help: "The character encoding, such as windows-1252.") var encoding: String?
        @Option(help: "The decimal separator of amounts: point or comma.") var decimal: String?
        @Option(help: "The currency of amounts without one, such as EUR.") var currency: String?
        @Flag(help: "Print the import's id without following the import.") var noWatch = false

        func run() async throws {
            let file = try ImportFile(path: file)
            var parameters = ["kind": kind, "content-type": file.contentType]
            if dryRun { parameters["dryRun"] = "true" }
            parameters["encoding"] = encoding
            parameters["decimal"] = decimal
            parameters["currency"] = currency
            let (given, watches) = (parameters, !noWatch)
            try await ShellRequests.run("imports") { shell in
                let accepted: ImportProgress = try await ImportsCommand.decoded(file.send(given, shell))
                Console.print("\(accepted.id)\n")
                if watches { try await ImportsCommand.follow(accepted.id, shell) }
            }
        }
    }

    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows the progress of an import until it ends: a bar on a terminal, lines elsewhere.",
            discussion: "Exit status 0: done. 1: there is no such import, it failed, or no answer came. 78: a setting is wrong.")
        @Argument(help: "The import's id.") var id: String

        func run() async throws {
            let id = id
            try await ShellRequests.run("imports") { try await ImportsCommand.follow(id, $0) }
        }
    }

    struct Rejected: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Prints all rejected rows, with the reasons, as CSV.")
        @Argument(help: "The import's id.") var id: String

        func run() async throws {
            let id = id
            try await ShellRequests.run("imports") { shell in
                var after: String?
                repeat {
                    var parameters = ["id": id]
                    parameters["after"] = after
                    let page = try await shell.reply("catalog.imports.rejected", .query, parameters).checked()
                    Console.print(String(decoding: page.body, as: UTF8.self))
                    after = page.headers[Reply.nextPage]
                } while after != nil
            }
        }
    }

    private static let terminal = Terminal(environment: ProcessInfo.processInfo.environment)
    /// The pause between two queries for an import's progress.
    private static let pause: Duration = .milliseconds(500)
    /// Consecutive queries without a reply, after which the command gives up.
    private static let maximumSilent = 20

    private static func follow(_ id: String, _ shell: ShellRequests) async throws {
        var display = ImportDisplay(terminal: terminal)
        var silent = 0
        while true {
            do {
                let progress: ImportProgress = try decoded(await shell.reply("catalog.imports.get", .query, ["id": id]))
                silent = 0
                Console.print(display.text(progress, at: .now))
                switch progress.state {
                case .running: break
                case .done: return
                case .failed: throw ExitCode(1)
                }
            } catch is RequestClient.Unanswered where silent < maximumSilent {
                silent += 1
            }
            try await shell.clock.sleep(for: pause)
        }
    }

    private static func decoded<Value: Decodable>(_ reply: Reply) throws -> Value {
        try JSON.decode(Value.self, from: reply.checked().body)
    }
}
