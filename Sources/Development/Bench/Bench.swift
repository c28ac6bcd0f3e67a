import ArgumentParser
import Assembly
import FoundationEssentials
import Load
import LocalServers
import Logging
import ShopClient
import Terminal
import Up
import WebClient

/// The shop's speed, compared with what the servers can do by themselves on the same machine at the same time.
package struct Bench: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures the shop against what PostgreSQL and RabbitMQ do by themselves.",
        discussion: """
            Starts private servers with full durability and every role in a temporary folder, and ends them. Limits and cases are measured in turns, \
            several rounds. A is pgbench writing the rows of one checkout after the other, B a C program's request and reply through RabbitMQ, C its \
            confirmed publishing to a quorum queue, D the durable steps of one order in a row. Run it in the project's folder, on a machine that does nothing else.

            Cases: \(BenchCase.allCases.map(\.rawValue).joined(separator: ", ")).
            """)

    static let isReleaseBuild: Bool = {
        #if DEBUG
            false
        #else
            true
        #endif
    }()

    @Option(help: "What to measure, separated by commas. (default: all that are not long)")
    var cases: String?

    @Option(help: "How often everything is measured, \(BenchPlan.roundCounts.lowerBound) to \(BenchPlan.roundCounts.upperBound).")
    var rounds = 3

    @Option(help: "Checkouts of one measurement, \(BenchPlan.orderCounts.lowerBound) to \(BenchPlan.orderCounts.upperBound).")
    var orders = 5_000

    @Option(help: "A year's orders in the tables for the case growth, 10000 to 10000000.")
    var grown = 1_000_000

    @Option(help: "A week's rows in the inboxes for the case growth, 1000 to 100000000. (default: those that a week of these orders leaves)")
    var grownInbox: Int?

    @Option(help: "A file with one basket a line: item names, separated by commas.", completion: .file())
    var baskets = "../shared/data/groceries.csv"

    @Option(help: "A gzipped CSV file of real products, for the cases imports and search.", completion: .file())
    var products = "../shared/data/products.csv.gz"

    @Option(help: "The folder of the peer, a pipeline in Python to compare with; it is left out where it is not there.", completion: .directory)
    var peer = "../shared/peer"

    @Option(help: "Where the results go.", completion: .directory)
    var output = "bench/results"

    @Flag(help: "One small round: shows that everything works, not how fast it is.")
    var quick = false

    @Flag(help: "The long cases too: tables with millions of rows, a backlog of 100,000 checkouts.")
    var full = false

    package init() {}

    package func validate() throws {
        guard BenchPlan.roundCounts.contains(rounds) else { throw ValidationError("--rounds is 1 to 20, not \(rounds).") }
        guard BenchPlan.orderCounts.contains(orders) else { throw ValidationError("--orders is 100 to 100000, not \(orders).") }
        guard BenchPlan.grownCounts.contains(grown) else { throw ValidationError("--grown is 10000 to 10000000, not \(grown).") }
        if let grownInbox, !BenchPlan.grownInboxCounts.contains(grownInbox) { throw ValidationError("--grown-inbox is 1000 to 100000000, not \(grownInbox).") }
        if let cases { _ = try BenchCase.parse(cases) }
    }

    package func run() async throws {
        let console = Console(terminal: Terminal(environment: ProcessInfo.processInfo.environment))
        do {
            if !Self.isReleaseBuild { console.line(console.paint.bad("This is a debug build: its figures mean nothing. make bench builds for release.")) }
            try await run(console)
        } catch let error as BenchError {
            Role.complain("\(error)")
            throw ExitCode(error.exitStatus)
        } catch let error as ProgramError {
            Role.complain("\(error)")
            throw ExitCode(error.exitStatus)
        } catch let error as LoadError {
            Role.complain("\(error)")
            throw ExitCode(error.exitStatus)
        }
    }

    private var plan: BenchPlan {
        get throws {
            let usual = Set(BenchCase.allCases.filter { (full || !$0.isLong) && !$0.needsRoot })
            return BenchPlan(
                cases: try cases.map(BenchCase.parse) ?? usual, rounds: quick ? 1 : rounds, orders: quick ? min(orders, 500) : orders,
                isQuick: quick, grown: grown, grownInbox: grownInbox)
        }
    }

    private func run(_ console: Console) async throws {
        let plan = try plan
        let baskets = try Baskets(contentsOf: self.baskets)
        let logger = Logger(label: "wharf-dev bench") { _ in ConsoleLogHandler(console) }
        let folder = try BenchFolder()
        defer { folder.remove() }
        let shop = try BenchShop(folder, executable: try Executables().wharfDev, logger: logger)
        let peer = try Peer(self.peer, for: folder)
        let concurrent = 2 * BenchPlan.clients
        let client = WebClient(maximumConcurrent: concurrent, maximumPerHost: concurrent, userAgent: "wharf-bench", logger: logger)
        defer { client.shutdown() }
        let book = BenchBook(BenchRecord(startedAt: Date(), plan: plan, machine: .current))
        let run = BenchRun(
            plan: plan, baskets: baskets, products: products, folder: folder, shop: shop, peer: peer, transport: client, book: book, console: console, logger: logger)
        var failure: (any Error)?
        do {
            try await StopRequest(abort: LiveProcesses.killAll).cancelling(console: console) { try await run.perform() }
        } catch {
            failure = error
        }
        // Whatever has happened, and not to be cancelled: what was started is ended.
        await Task {
            await peer?.stop()
            await shop.stop()
        }.value
        book.note { record in
            record.finishedAt = Date()
            record.rows = Goals.rows(record)
        }
        let report = BenchReport(record: book.current)
        console.line("\n" + report.text(console.paint))
        if let failure { throw failure }
        // Interrupted: an incomplete set of rounds is not a result.
        guard book.current.isComplete else { throw ExitCode.failure }
        let countsAsLatest = Self.isReleaseBuild && !quick && cases == nil
        try report.write(to: output, asLatest: countsAsLatest)
        console.line("\nWritten to \(output)\(countsAsLatest ? "" : "; latest.json and latest.svg stay as they are"). Removing \(folder.path).")
    }
}

extension BenchRecord.Machine {
    /// The one that this process runs on.
    static var current: BenchRecord.Machine {
        func text(_ path: String) -> String {
            (try? Data(contentsOf: URL(filePath: path))).map { String(decoding: $0, as: UTF8.self) } ?? ""
        }
        let model = text("/proc/cpuinfo").split(separator: "\n").first { $0.hasPrefix("model name") }?.split(separator: ":").last
        return BenchRecord.Machine(
            processors: ProcessInfo.processInfo.activeProcessorCount,
            model: model.map { String($0.drop { $0 == " " }) } ?? "unknown",
            memoryBytes: Int(clamping: ProcessInfo.processInfo.physicalMemory),
            kernel: String(text("/proc/sys/kernel/osrelease").prefix { !$0.isNewline }))
    }
}
