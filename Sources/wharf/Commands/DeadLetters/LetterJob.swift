import ArgumentParser
import Assembly
import FoundationEssentials
import JSON
import Messaging
import Operator
import Runtime
import Terminal

extension LetterJob {
    /// The pause between two queries for its progress.
    static let pause: Duration = .milliseconds(500)
    /// Consecutive queries without a reply after which the command gives up. The job continues.
    static let maximumSilent = 20
    private static let barWidth = 30

    static func columns(at now: Date) -> [Column<LetterJob>] {
        [
            Column("job") { $0.id }, Column("action") { $0.action }, Column("state") { $0.state }, Column("selected", isNumber: true) { "\($0.selected)" },
            Column("sent", isNumber: true) { "\($0.sent)" }, Column("handled", isNumber: true) { "\($0.handled)" },
            Column("died again", isNumber: true) { "\($0.diedAgain)" }, Column("skipped", isNumber: true) { "\($0.skipped)" },
            Column("age", isNumber: true, plain: { $0.startedAt.ISO8601Format() }) { now.timeIntervalSince($0.startedAt).age }, Column("by") { $0.startedBy },
        ]
    }

    /// On a terminal, a bar that replaces the previous one; elsewhere, a line whenever something has changed.
    func text(after last: LetterJob?, _ terminal: Terminal) -> String {
        guard terminal.isLive else { return self == last ? "" : line + "\n" }
        let done = percent * Self.barWidth / 100
        let bar = terminal.paint.accent(String(repeating: "█", count: done)) + terminal.paint.dim(String(repeating: "░", count: Self.barWidth - done))
        let room = (terminal.columns ?? 80) - Self.barWidth - 9
        return "\r\u{1B}[K\(bar) \(percent) %  \(line.cut(to: room))" + (isRunning ? "" : "\n")
    }

    /// Shows the job's progress until it ends.
    /// - Throws: `ExitCode(1)` for a job that did not finish.
    static func follow(
        _ id: String, _ requests: any OperatorRequests, clock: any WallClock, terminal: Terminal, write: @Sendable (String) -> Void
    ) async throws {
        var last: LetterJob?
        var silent = 0
        while true {
            do {
                let job: LetterJob = try await requests.get("deadletters.jobs.get", ["id": id])
                silent = 0
                write(job.text(after: last, terminal))
                last = job
                if !job.isRunning {
                    if job.state != "finished" { throw ExitCode.failure }
                    return
                }
            } catch is RequestClient.Unanswered where silent < maximumSilent {
                silent += 1
            }
            try await clock.sleep(for: pause)
        }
    }
}

extension DeadLettersCommand {
    struct Jobs: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists jobs on many letters, and follows, cancels or resumes one.",
            subcommands: [All.self, Show.self, Watch.self, Cancel.self, Resume.self], defaultSubcommand: All.self)

        struct All: AsyncParsableCommand {
            static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists jobs, newest first.")
            @OptionGroup var options: ListOptions

            func run() async throws {
                let printer = ListPrinter(options: options, columns: LetterJob.columns(at: Date()), emptiness: "There are no jobs.")
                try await ShellRequests.run("dead-letters") { try await printer.print("deadletters.jobs.list", [:], $0) }
            }
        }

        struct Show: AsyncParsableCommand {
            static let configuration = CommandConfiguration(abstract: "Prints one job as JSON.")
            @Argument(help: "The job's id.") var id: String

            func run() async throws {
                let id = id
                try await ShellRequests.run("dead-letters") { shell in
                    let reply = try await shell.accepted("deadletters.jobs.get", .query, ["id": id])
                    Console.print(String(decoding: reply.body, as: UTF8.self) + "\n")
                }
            }
        }

        struct Watch: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Shows the progress of a job until it ends.", discussion: "Exit status 0: it finished. 1: it was stopped or cancelled, or no answer came.")
            @Argument(help: "The job's id.") var id: String

            func run() async throws {
                let id = id
                try await ShellRequests.run("dead-letters") { shell in
                    try await LetterJob.follow(id, shell, clock: shell.clock, terminal: .own) { Console.print($0) }
                }
            }
        }

        struct Cancel: AsyncParsableCommand {
            static let configuration = CommandConfiguration(abstract: "Cancels a job; letters that it has not acted on are unchanged.")
            @Argument(help: "The job's id.") var id: String

            func run() async throws { try await Jobs.change(id, "deadletters.jobs.cancel") }
        }

        struct Resume: AsyncParsableCommand {
            static let configuration = CommandConfiguration(abstract: "Resumes a job that has stopped.")
            @Argument(help: "The job's id.") var id: String

            func run() async throws {
                try await Jobs.change(id, "deadletters.jobs.resume")
                Role.complain("follow it with: wharf dead-letters jobs watch \(id)")
            }
        }

        /// Prints the state of the job after the change.
        private static func change(_ id: String, _ operation: String) async throws {
            try await ShellRequests.run("dead-letters") { shell in
                let reply = try await shell.accepted(operation, .command, ["id": id])
                Console.print(try JSON.decode(LetterJob.self, from: reply.body).line + "\n")
            }
        }
    }

    struct Group: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Names, annotates, mutes or resolves a group.")

        enum State: String, ExpressibleByArgument, CaseIterable, Sendable { case open, muted, resolved }

        @Argument(help: "The group's id.") var id: String
        @Option(help: "Its name; empty to remove it.") var name: String?
        @Option(help: "A note for others; empty to remove it.") var note: String?
        @Option(help: "Its state.") var state: State?

        func validate() throws {
            if name == nil, note == nil, state == nil { throw ValidationError("Give --name, --note or --state.") }
        }

        func run() async throws {
            var members: [String: JSONValue] = [:]
            members["name"] = name.map { $0.isEmpty ? .null : .string($0) }
            members["note"] = note.map { $0.isEmpty ? .null : .string($0) }
            members["state"] = state.map { .string($0.rawValue) }
            let (id, body) = (id, try JSON.encode(members))
            try await ShellRequests.run("dead-letters") { shell in
                let reply = try await shell.accepted("deadletters.groups.change", .command, ["id": id], body)
                let group = try JSON.decode(LetterGroup.self, from: reply.body)
                Console.print("\(group.title.printable): \(group.state)\(group.note.map { ", \($0.printable)" } ?? "")\n")
            }
        }
    }
}
