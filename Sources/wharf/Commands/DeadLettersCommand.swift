import ArgumentParser
import Input
import Messaging

struct DeadLettersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters", abstract: "Lists, shows, replays, discards and restores messages that could not be handled.",
        subcommands: [List.self, Show.self, Replay.self, Discard.self, Restore.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists dead letters, newest first, with the number for each cause.")

        @Option(help: "Only those with this cause.") var cause: String?
        @Option(help: "Only those that came from this queue.") var queue: String?
        @Option(help: "State: open, replayed, discarded or all.") var state = "open"
        @Option(help: "The maximum number to list, up to \(PageRequest.maximumLimit).") var limit = PageRequest.defaultLimit

        func run() async throws {
            var parameters = ["state": state, "limit": String(limit)]
            parameters["cause"] = cause
            parameters["queue"] = queue
            try await DeadLettersCommand.ask("deadletters.letters.list", .query, [parameters])
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows one dead letter with its body, headers and history.")
        @Argument var id: String

        func run() async throws {
            try await DeadLettersCommand.ask("deadletters.letters.get", .query, [["id": id]])
        }
    }

    struct Replay: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Sends messages back to the queues they came from.")
        @Flag(help: "Also replay messages older than what services remember. If one was handled before it died, it is handled a second time.") var pastMemory = false
        @Argument var ids: [String]

        func run() async throws {
            let body = pastMemory ? Array(#"{"pastMemory":true}"#.utf8) : []
            try await DeadLettersCommand.ask("deadletters.letters.replay", .durable, ids.map { ["id": $0] }, body: body)
        }
    }

    struct Discard: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Discards dead letters; they stay in the records, and can be restored.")
        @Argument var ids: [String]

        func run() async throws {
            try await DeadLettersCommand.ask("deadletters.letters.discard", .command, ids.map { ["id": $0] })
        }
    }

    struct Restore: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Opens discarded dead letters again, so that they can be replayed.")
        @Argument var ids: [String]

        func run() async throws {
            try await DeadLettersCommand.ask("deadletters.letters.restore", .command, ids.map { ["id": $0] })
        }
    }

    /// Sends the requests one after the other, and prints each answer. A rejected request does not stop the others; the exit status is 1 when any was rejected.
    private static func ask(
        _ operation: String, _ durability: Durability, _ requests: [[String: String]], body: [UInt8] = []
    ) async throws {
        let refused = try await ShellRequests.run("dead-letters") { shell in
            var refused = 0
            for parameters in requests {
                let reply = try await shell.reply(operation, durability, parameters, body: body)
                if !reply.body.isEmpty { print(String(decoding: reply.body, as: UTF8.self)) }
                if reply.status >= 400 { refused += 1 }
            }
            return refused
        }
        if refused > 0 { throw ExitCode(1) }
    }
}
