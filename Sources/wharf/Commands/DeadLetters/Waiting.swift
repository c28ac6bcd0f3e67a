import ArgumentParser
import FoundationEssentials
import JSON
import Messaging
import Operator
import Runtime
import Terminal

extension DeadLettersCommand {
    struct Waiting: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows messages that failed and wait for their next attempt, and sends them now.",
            discussion: """
                Lists causes; --messages lists single messages. With --now, a copy of each selected message goes to its queue at once; the service handles one of the copy and the original. \
                A copy that fails is dropped, and the original waits on. Mails, payments and other calls to the outside are not made for a message that returns within a minute anyway.
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
                    let reply = try await shell.accepted("deadletters.waiting.list", .query, command.filter.parameters.merging(["limit": "1"]) { $1 })
                    let causes = try JSON.decode(WaitingCauses.self, from: reply.body).causes
                    Console.print(try WaitingCauses.text(causes, command.options, .own, at: shell.clock.now()))
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
        var parameters: [String: String] = [:]
        parameters["service"] = service
        parameters["operation"] = operation
        parameters["queue"] = queue
        parameters["cause"] = cause
        parameters["order"] = order
        parameters["id"] = id
        return parameters
    }
}

/// The causes for which messages wait, as the service reports them.
struct WaitingCauses: Decodable, Sendable {
    struct Cause: Codable, Sendable, Equatable {
        let service: String
        let operation: String?
        let cause: String
        let text: String
        let count: Int
        let sent: Int
        let orders: Int
        let since: Date
        let nextDueAt: Date
        let lastDueAt: Date
    }

    let causes: [Cause]

    static func text(_ causes: [Cause], _ options: ListOptions, _ terminal: Terminal, at now: Date) throws -> String {
        if options.json { return String(decoding: try JSON.encode(["causes": causes]), as: UTF8.self) + "\n" }
        if options.ndjson { return try causes.map { String(decoding: try JSON.encode($0), as: UTF8.self) + "\n" }.joined() }
        var table = Columns<Cause>([
            Column("service") { $0.service }, Column("operation") { $0.operation ?? "-" }, Column("cause") { $0.cause },
            Column("waiting", isNumber: true) { "\($0.count)" }, Column("sent now", isNumber: true) { "\($0.sent)" },
            Column("orders", isNumber: true) { "\($0.orders)" },
            Column("since", isNumber: true, plain: { $0.since.ISO8601Format() }) { now.timeIntervalSince($0.since).age },
            Column("returns in", isNumber: true, plain: { $0.nextDueAt.ISO8601Format() }) { $0.nextDueAt.timeIntervalSince(now).age },
            Column("last in", isNumber: true, plain: { $0.lastDueAt.ISO8601Format() }) { $0.lastDueAt.timeIntervalSince(now).age },
            Column("text") { $0.text },
        ])
        guard terminal.columns != nil else { return table.plain(causes) }
        return causes.isEmpty ? "No message waits.\n" : table.table(causes, terminal.paint, width: terminal.columns)
    }
}

/// A message on the retry ladder.
struct WaitingLine: Decodable, Sendable {
    let id: String
    let queue: String
    let operation: String?
    let cause: String
    let detail: String
    let attempt: Int
    let since: Date
    let dueAt: Date
    let sentAt: Date?
    let orderId: String?
    let orderNumber: String?

    static func columns(at now: Date) -> [Column<WaitingLine>] {
        [
            Column("id") { $0.id }, Column("returns in", isNumber: true, plain: { $0.dueAt.ISO8601Format() }) { $0.dueAt.timeIntervalSince(now).age },
            Column("since", isNumber: true, plain: { $0.since.ISO8601Format() }) { now.timeIntervalSince($0.since).age },
            Column("attempt", isNumber: true) { "\($0.attempt)" }, Column("state") { $0.sentAt == nil ? "waiting" : "sent now" },
            Column("operation") { $0.operation ?? $0.queue }, Column("order") { $0.orderNumber ?? $0.orderId ?? "-" }, Column("cause") { $0.cause },
            Column("detail") { $0.detail },
        ]
    }
}

/// Sends the messages that a filter selects now.
struct WaitingSending: Sendable {
    struct Selection: Decodable, Sendable {
        struct Cause: Decodable, Sendable {
            let service: String
            let operation: String?
            let cause: String
            let count: Int
        }

        let selected: Int
        let orders: Int
        let byCause: [Cause]
    }

    let filter: WaitingFilterOptions

    /// Shows what is selected, and sends it once `agree` returns.
    func run(
        _ requests: any OperatorRequests, dryRun: Bool, write: @Sendable (String) -> Void = { Console.print($0) }, _ agree: @Sendable (String) async throws -> Void
    ) async throws {
        let preview = try await send(requests, dryRun: true)
        let causes = preview.byCause.map { "  \($0.count)\t\($0.cause.printable) in \(($0.operation ?? $0.service).printable)\n" }.joined()
        write("\(preview.selected) would be sent now, of \(preview.orders) orders\n" + causes)
        if dryRun { return }
        guard preview.selected > 0 else { return write("Nothing to do.\n") }
        try await agree("Send \(preview.selected) messages now?")
        write("\(try await send(requests, dryRun: false).selected) are sent now; wharf dead-letters waiting shows those that fail again.\n")
    }

    private func send(_ requests: any OperatorRequests, dryRun: Bool) async throws -> Selection {
        var members: [String: JSONValue] = ["filter": .object(filter.parameters.mapValues { .string($0) })]
        if dryRun { members["dryRun"] = true }
        return try JSON.decode(Selection.self, from: try await requests.accepted("deadletters.waiting.send", .durable, [:], try JSON.encode(members)).body)
    }
}
