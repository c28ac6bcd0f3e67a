import AMQP
import ArgumentParser
import Assembly
import Contracts
import FoundationEssentials
import Input
import Messaging
import Operations
import Runtime
import ServiceLifecycle

struct DeadLettersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters", abstract: "Lists, shows, replays, discards and restores messages that could not be handled.",
        subcommands: [List.self, Show.self, Replay.self, Discard.self, Restore.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists dead letters, newest first, with the number for each cause.")

        @Option(help: "Only those with this cause.") var cause: String?
        @Option(help: "Only those that came from this queue.") var queue: String?
        @Option(help: "State: open, replayed, discarded or all.") var state = "open"
        @Option(help: "The most to list, up to \(PageRequest.maximumLimit).") var limit = PageRequest.defaultLimit

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

    /// How long an operator waits for an answer.
    private static let timeout: Duration = .seconds(10)
    /// The actor in the audit log for commands from a shell.
    private static let shell = Caller(id: UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)), role: .admin)

    /// Sends requests to the dead-letter service as the ingress does, one after the other over the same connection, and prints each answer.
    /// A rejected request does not stop the others; the exit status is 1 when any was rejected.
    private static func ask(
        _ operation: String, _ durability: Durability, _ requests: [[String: String]], body: [UInt8] = []
    ) async throws {
        let (settings, logger) = try Role.start("dead-letters", isTool: true)
        let assembly = Assembly(settings: settings, logger: logger, name: "dead-letters")
        let commands = try assembly.publisher(Assembly.ingress, confirms: true)
        let queries = try assembly.publisher(Assembly.ingress, confirms: true, for: "queries")
        let (client, parts) = try assembly.requestClient(Assembly.ingress, commands: commands, queries: queries)
        let refused = try await withThrowingTaskGroup(of: Void.self) { group in
            for service in [commands, queries] + parts { group.addTask { try await service.run() } }
            defer { group.cancelAll() }
            try await client.whenReady(within: timeout, clock: assembly.clock)
            var refused = 0
            for parameters in requests {
                let request = Request(
                    id: assembly.randomness.uuid(), operation: operation, parameters: parameters, caller: shell, body: body)
                let reply = try await client.send(request, durability: durability, timeout: timeout)
                if !reply.body.isEmpty { print(String(decoding: reply.body, as: UTF8.self)) }
                if reply.status >= 400 { refused += 1 }
            }
            return refused
        }
        if refused > 0 { throw ExitCode(1) }
    }
}

extension RequestClient {
    private static let readinessInterval: Duration = .milliseconds(20)

    /// Returns when requests can be sent; throws `Unanswered` when that does not happen in time.
    fileprivate func whenReady(within limit: Duration, clock: any WallClock) async throws {
        let ready: Bool? = try await clock.within(limit) {
            while !(await self.canSend) { try await clock.sleep(for: Self.readinessInterval) }
            return true
        }
        guard ready == true else { throw Unanswered.refused("the broker cannot be reached") }
    }
}
