import ArgumentParser
import FoundationEssentials
import JSON
import Operator
import Runtime
import Terminal

extension DeadLettersCommand {
    struct Waiting: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows messages that failed and wait for their next attempt, and sends them now.",
            discussion: """
                Lists causes; --messages lists single messages. With --now, a copy of each selected message goes to its queue at once; the service handles one of the copy and the original. \
                A copy that fails is dropped, and the original stays on the ladder. If the original returns within a minute, its copy makes no external call, such as sending a mail.
                """)

        @OptionGroup(title: "Filter") var filter: WaitingFilterOptions
        @Flag(help: "List messages instead of causes, the next to return first.") var messages = false
        @Flag(help: "Send the selected messages now.") var now = false
        @Flag(help: "Show what --now would send, and send nothing.") var dryRun = false
        @OptionGroup var options: ListOptions
        @OptionGroup var confirmation: Confirmation

        func validate() throws {
            if dryRun, !now { throw ValidationError("--dry-run requires --now.") }
            if now, messages { throw ValidationError("Give either --messages or --now.") }
        }

        func run() async throws {
            let command = self
            try await ShellRequests.run("dead-letters") { shell in
                if command.now {
                    try await WaitingSending(filter: command.filter).run(shell, dryRun: command.dryRun) { try await command.confirmation.ask($0) }
                } else if command.messages {
                    let printer = ListPrinter(options: command.options, columns: WaitingLine.columns(at: shell.clock.now()), emptiness: "No message waits.")
                    try await printer.print("deadletters.waiting.list", command.filter.parameters, shell)
                } else {
                    let list = try await shell.get(WaitingList.self, "deadletters.waiting.list", command.filter.parameters.merging(["limit": "1"]) { $1 })
                    Console.print(try WaitingCause.listing(list.causes ?? [], command.options, .own, at: shell.clock.now()))
                }
            }
        }
    }
}

/// Selects messages on the retry ladder.
struct WaitingFilterOptions: ParsableArguments, Sendable {
    @Option(help: "The service that could not handle it.") var service: String?
    @Option(help: "The operation or event.") var operation: String?
    @Option(help: "The queue to which it returns.") var queue: String?
    @Option(help: "The cause, such as mail-not-sent.") var cause: String?
    @Option(help: "The order's id.") var order: String?
    @Option(help: "The id in the list of waiting messages.") var id: String?

    var parameters: [String: String] {
        ["service": service, "operation": operation, "queue": queue, "cause": cause, "order": order, "id": id].compactMapValues(\.self)
    }
}

extension WaitingCause {
    static func listing(_ causes: [WaitingCause], _ options: ListOptions, _ terminal: Terminal, at now: Date) throws -> String {
        if options.json { return String(decoding: try JSON.encode(["causes": causes]), as: UTF8.self) + "\n" }
        if options.ndjson { return try causes.map { String(decoding: try JSON.encode($0), as: UTF8.self) + "\n" }.joined() }
        var table = Columns<WaitingCause>(columns(at: now))
        guard terminal.columns != nil else { return table.plain(causes) }
        return causes.isEmpty ? "No message waits.\n" : table.table(causes, terminal.paint, width: terminal.columns)
    }
}

/// Sends the messages that a filter selects now.
struct WaitingSending: Sendable {
    let filter: WaitingFilterOptions

    /// Shows the selected messages, and sends them once `agree` returns.
    func run(
        _ requests: any OperatorRequests, dryRun: Bool, write: @Sendable (String) -> Void = { Console.print($0) }, _ agree: @Sendable (String) async throws -> Void
    ) async throws {
        let preview = try await requests.sendWaiting(filter.parameters, dryRun: true)
        let causes = preview.byCause.map { "  \($0.count)\t\($0.cause.printable) in \(($0.operation ?? $0.service).printable)\n" }.joined()
        write("\(preview.selected) would be sent now, of \(preview.orders) orders\n" + causes)
        if dryRun { return }
        guard preview.selected > 0 else { return write("Nothing to do.\n") }
        try await agree("Send \(preview.selected) messages now?")
        write("\(try await requests.sendWaiting(filter.parameters, dryRun: false).selected) are sent now; wharf dead-letters waiting shows those that fail again.\n")
    }
}
