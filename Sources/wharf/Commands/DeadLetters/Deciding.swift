import ArgumentParser
import JSON
import Messaging
import Operator
import Runtime
import Terminal

extension DeadLettersCommand {
    struct Replay: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sends messages back to the queues they came from.",
            discussion: """
                Replays letters given by id at once. A filter starts a job of the service, which continues after this command ends. It starts slowly, speeds up, and stops when too many die again. \
                An edited letter is sent as edited. A message that was already handled has no second effect, within the services' memory of 7 days.
                """)

        @OptionGroup var selection: Selection
        @Flag(help: "Also replay messages older than the services' memory. One that was handled before it died is handled a second time.") var pastMemory = false
        @Flag(help: "Also replay charges whose idempotency keys the gateway may have forgotten; payments looks for each payment before it charges.") var reconcile = false
        @Option(help: "The rates in letters per second, one after another, such as 1,5,50.") var rates: String?
        @Option(help: "The job stops when more than this share of letters die again, from 0 to 1.") var stopShare: Double?

        func validate() throws {
            try selection.validate()
            if let rates, Self.numbers(rates) == nil { throw ValidationError("--rates takes integers separated by commas, such as 1,5,50.") }
            if !selection.ids.isEmpty, rates != nil || stopShare != nil { throw ValidationError("--rates and --stop-share require a filter.") }
        }

        func run() async throws {
            var options: [String: JSONValue] = [:]
            if pastMemory { options["pastMemory"] = true }
            if reconcile { options["reconcile"] = true }
            let single = options
            options["rates"] = rates.flatMap(Self.numbers).map { .array($0.map { .integer($0) }) }
            options["stopShare"] = stopShare.map { .number($0) }
            try await selection.perform(.replay, single: single, job: options)
        }

        private static func numbers(_ text: String) -> [Int]? {
            let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
            return numbers.contains(nil) ? nil : numbers.compactMap(\.self)
        }
    }

    struct Discard: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Discards dead letters; they are kept and can be restored.")
        @OptionGroup var selection: Selection

        func validate() throws { try selection.validate() }
        func run() async throws { try await selection.perform(.discard) }
    }

    struct Restore: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Opens discarded dead letters again, so that they can be replayed.")
        @OptionGroup var selection: Selection

        func validate() throws { try selection.validate() }
        func run() async throws { try await selection.perform(.restore) }
    }
}

/// The letters that a decision applies to: given by id, or all that a filter selects.
struct Selection: ParsableArguments, Sendable {
    @Argument(help: "The letters' ids; without ids, the filter selects letters.") var ids: [String] = []
    @OptionGroup(title: "Filter") var filter: LetterFilter
    @Flag(help: "Select all letters, instead of a filter.") var all = false
    @Flag(help: "Show what would be done, and change nothing.") var dryRun = false
    @Flag(help: "Start the job without following it.") var noWatch = false
    @OptionGroup var confirmation: Confirmation

    func validate() throws {
        if !ids.isEmpty, !filter.isEmpty || all { throw ValidationError("Give either ids or a filter.") }
        if ids.isEmpty, filter.isEmpty, !all { throw ValidationError("Give ids, a filter, or --all.") }
        if all, !filter.isEmpty { throw ValidationError("Give either a filter or --all.") }
    }

    /// - Parameters:
    ///   - single: The body of the request for one letter.
    ///   - job: Additional members of a job's request.
    func perform(_ decision: LetterDecision, single: [String: JSONValue] = [:], job: [String: JSONValue] = [:]) async throws {
        let selection = self
        try await ShellRequests.run("dead-letters") { shell in
            if selection.ids.isEmpty {
                let bulk = BulkDecision(decision: decision, filter: selection.filter, options: job)
                try await bulk.run(shell, dryRun: selection.dryRun, clock: shell.clock, watches: !selection.noWatch) { try await selection.confirmation.ask($0) }
            } else {
                let refused = try await selection.decide(decision, single, shell) { Console.print($0 + "\n") }
                if refused > 0 { throw ExitCode.failure }
            }
        }
    }

    /// Applies the decision to each letter in turn and prints the result of each. A refusal does not stop the others.
    /// - Returns: How many were refused.
    func decide(
        _ decision: LetterDecision, _ options: [String: JSONValue], _ requests: any OperatorRequests, _ write: @Sendable (String) -> Void
    ) async throws -> Int {
        let body = options.isEmpty ? [] : try JSON.encode(options)
        var refused = 0
        for id in ids {
            do {
                if dryRun {
                    let letter: Letter = try await requests.get("deadletters.letters.get", ["id": id])
                    let isFor = letter.state == decision.from
                    write("\(id)\t\(isFor ? "would be \(decision.done)" : "is \(letter.state.printable)")\t\((letter.operation ?? letter.queue).printable)")
                    if !isFor { refused += 1 }
                } else {
                    try await requests.accepted(decision.operation, decision.durability, ["id": id], body)
                    write("\(id)\t\(decision.done)")
                }
            } catch let refusal as Refusal {
                refused += 1
                write("\(id)\trefused\t\(refusal.description.printable)")
            }
        }
        return refused
    }
}

/// A decision about all letters that a filter selects: a job of the service.
struct BulkDecision: Sendable {
    /// Causes that are shown before it begins, the most frequent ones.
    private static let maximumCauses = 20

    let decision: LetterDecision
    let filter: LetterFilter
    let options: [String: JSONValue]

    /// Shows a preview, and starts the job once `agree` returns.
    func run(
        _ requests: any OperatorRequests, dryRun: Bool, clock: any WallClock, watches: Bool, write: @escaping @Sendable (String) -> Void = { Console.print($0) },
        _ agree: @Sendable (String) async throws -> Void
    ) async throws {
        let preview = try JSON.decode(JobPreview.self, from: try await requests.accepted("deadletters.jobs.start", .durable, [:], try body(dryRun: true)).body)
        write(text(preview))
        if dryRun { return }
        guard preview.selected > 0 else { return write("Nothing to do.\n") }
        try await agree("\(decision.rawValue.capitalizedFirst) \(preview.selected) letters?")
        let job = try JSON.decode(LetterJob.self, from: try await requests.accepted("deadletters.jobs.start", .durable, [:], try body(dryRun: false)).body)
        write("job \(job.id); it continues after this command ends: wharf dead-letters jobs watch \(job.id)\n")
        guard watches else { return }
        try await LetterJob.follow(job.id, requests, clock: clock, terminal: .own, write: write)
    }

    func body(dryRun: Bool) throws -> [UInt8] {
        var members = options
        members["action"] = .string(decision.rawValue)
        members["filter"] = .object(filter.parameters.mapValues { .string($0) })
        if dryRun { members["dryRun"] = true }
        return try JSON.encode(members)
    }

    func text(_ preview: JobPreview) -> String {
        let causes = preview.byCause.prefix(Self.maximumCauses).map { "  \($0.count)\t\($0.cause.printable)\($0.queue.map { " from \($0.printable)" } ?? "")\n" }.joined()
        let rest = preview.byCause.count > Self.maximumCauses ? "  and \(preview.byCause.count - Self.maximumCauses) more causes\n" : ""
        let bound = preview.atLeast == true ? "at least " : ""
        return "\(filter.phrase): \(bound)\(preview.selected) would be \(decision.done), of \(bound)\(preview.orders) orders\n" + causes + rest
    }
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
