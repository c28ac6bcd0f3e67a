import ArgumentParser
import FoundationEssentials
import JSON
import Messaging
import Operator
import Terminal

extension DeadLettersCommand {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists dead letters, newest first: a table on a terminal, tab-separated lines in a pipe.")

        @OptionGroup(title: "Filter") var filter: LetterFilter
        @Option(help: LetterStates.help) var state = "open"
        @OptionGroup var options: ListOptions

        func run() async throws {
            let parameters = filter.parameters.merging(["state": state]) { $1 }
            let printer = ListPrinter(options: options, columns: Letter.columns(at: Date()), emptiness: "No dead letter matches.")
            try await ShellRequests.run("dead-letters") { try await printer.print("deadletters.letters.list", parameters, $0) }
        }
    }

    struct Groups: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists groups of letters with the same cause: how many letters, how many orders, since when.")

        @Option(help: "The state: open, muted, resolved or all.") var state = "open"
        @Option(help: "Only this service's.") var service: String?
        @OptionGroup var options: ListOptions

        func run() async throws {
            var parameters = ["state": state]
            parameters["service"] = service
            let query = parameters
            let printer = ListPrinter(options: options, columns: LetterGroup.columns(at: Date()), emptiness: "No group matches.")
            try await ShellRequests.run("dead-letters") { try await printer.print("deadletters.groups.list", query, $0) }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows one dead letter: its body, headers, attempts, what was decided about it, and its order.",
            discussion: "If the body is larger than 1 MiB, only its beginning is shown; export prints all of it.")

        @Argument(help: "The letter's id.") var id: String
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let (id, json) = (id, json)
            try await ShellRequests.run("dead-letters") { shell in
                let reply = try await shell.accepted("deadletters.letters.get", .query, ["id": id])
                guard !json else { return _ = Console.print(String(decoding: reply.body, as: UTF8.self) + "\n") }
                let letter = try JSON.decode(WholeLetter.self, from: reply.body)
                Console.print(LetterText(letter, terminal: .own).lines.map { $0 + "\n" }.joined())
                if let order = letter.letter.orderId { Console.print(await OrderContext.of(order, message: letter.letter.messageId, shell, terminal: .own)) }
            }
        }
    }

    struct Diff: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compares the edited body of a letter with the original, line by line.", discussion: "Exit status 0: they are equal. 1: they differ, or there is no answer.")

        @Argument(help: "The letter's id.") var id: String

        func run() async throws {
            let id = id
            let isEqual = try await ShellRequests.run("dead-letters") { shell in
                let letter: WholeLetter = try await shell.get("deadletters.letters.get", ["id": id])
                let difference = LetterDifference(from: try letter.originalText(), to: try letter.currentText())
                Console.print(difference.text(Terminal.own.paint))
                return difference.isEmpty
            }
            if !isEqual { throw ExitCode.failure }
        }
    }

    struct Stats: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Counts letters by state, by service, and by hour of the last day.")
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let json = json
            try await ShellRequests.run("dead-letters") { shell in
                let reply = try await shell.accepted("deadletters.stats.get")
                guard !json else { return _ = Console.print(String(decoding: reply.body, as: UTF8.self) + "\n") }
                Console.print(try JSON.decode(LetterStats.self, from: reply.body).text(.own, at: Date()))
            }
        }
    }

    struct Audit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists what was done to dead letters and by whom, newest first.")

        @Option(help: "Only this person's.") var actor: String?
        @Option(help: "Only this action, such as replayed.") var action: String?
        @Option(help: "Done at this time or later.") var since: TimeArgument?
        @OptionGroup var options: ListOptions

        func run() async throws {
            var parameters: [String: String] = [:]
            parameters["actor"] = actor
            parameters["action"] = action
            parameters["since"] = since?.text
            let query = parameters
            let printer = ListPrinter(options: options, columns: AuditLine.columns, emptiness: "Nothing matches.")
            try await ShellRequests.run("dead-letters") { try await printer.print("deadletters.audit.list", query, $0) }
        }
    }
}
