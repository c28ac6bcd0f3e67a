import ArgumentParser
import Assembly
import Audit
import Contracts
import FoundationEssentials
import Glibc
import Load
import LocalServers
import LocalState
import Logging
import ShopClient
import Terminal
import Up
import WebClient

/// Real faults in a real shop, while customers buy, cancel and return goods, and the shop ships and refunds.
package struct Chaos: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "chaos",
        abstract: "Breaks a shop of its own in every way it knows, and checks that no order is lost or charged twice.",
        discussion: """
            Starts private servers with full durability, every role, and proxies between them in a temporary folder; lets customers buy, \
            cancel and send back, and the shop ship, deliver and refund in parts; injects one fault after the other; and audits orders, payments, stock \
            and mails once all faults are over. The schedule of faults follows from \
            --seed and --seconds and is printed first. From \(ChaosSchedule.wholeDeck) seconds on every kind of fault comes at least once. Run it in \
            the project's folder.

            Exit status: 0 when everything adds up, and then the folder is removed; 1 when something does not; 2 when the run could not be \
            completed; 66 when a file is missing. Except for 0 the folder is kept, with all logs.
            """)

    @Option(help: "The seed of the schedule. (default: a random one, which is printed)")
    var seed: UInt64?

    @Option(help: "How long faults are injected, \(ChaosSchedule.lengths.lowerBound) to \(ChaosSchedule.lengths.upperBound).")
    var seconds = ChaosSchedule.wholeDeck

    @Option(help: "A file with one basket a line: item names, separated by commas. (default: made-up ones)", completion: .file())
    var baskets: String?

    @Option(help: "When payments are captured: automatic or manual. (default: automatic)")
    var capture: CaptureMode?

    @Flag(help: "Three RabbitMQ nodes, and a PostgreSQL primary with its standby: one of them is lost at a time.")
    var cluster = false

    package init() {}

    package func validate() throws {
        guard ChaosSchedule.lengths.contains(seconds) else {
            throw ValidationError("--seconds is \(ChaosSchedule.lengths.lowerBound) to \(ChaosSchedule.lengths.upperBound), not \(seconds).")
        }
    }

    package func run() async throws {
        let console = Console(terminal: Terminal(environment: ProcessInfo.processInfo.environment))
        // The files that this process and its children write are readable by this account alone.
        umask(0o077)
        do {
            try await run(console)
        } catch let error as ChaosError {
            Role.complain("\(error)")
            throw ExitCode(error.exitStatus)
        } catch let error as UpError {
            Role.complain("\(error)")
            throw ExitCode(ChaosError(.failed, "").exitStatus)
        } catch let error as LoadError {
            Role.complain("\(error)")
            throw ExitCode(error.code == .noInput ? error.exitStatus : ChaosError(.failed, "").exitStatus)
        } catch let error as AuditError {
            Role.complain("\(error)")
            throw ExitCode(ChaosError(.failed, "").exitStatus)
        } catch let error where error is LocalServerError || error is ProcessError {
            Role.complain("\(error)")
            throw ExitCode(ChaosError(.failed, "").exitStatus)
        }
    }

    private func run(_ console: Console) async throws {
        let baskets = try self.baskets.map { path throws(LoadError) in try Baskets(contentsOf: path) } ?? Baskets.builtIn()
        let plan = ChaosPlan(
            seed: seed ?? UInt64.random(in: 0...99_999), seconds: seconds, baskets: baskets,
            kinds: cluster ? FaultKind.clustered : FaultKind.alone)
        let capture = self.capture ?? .automatic
        let folder = try PrivateFolder("chaos")
        let moment = capture == .manual ? "at the shipment" : "at the checkout"
        console.line("Seed \(plan.schedule.seed), payments captured \(moment), \(plan.schedule.injections.count) faults in some \(seconds) s:\n\(plan.schedule.text)\n")
        let logger = Logger(label: "wharf-dev chaos") { _ in SwiftLogNoOpLogHandler() }
        let client = WebClient(
            maximumConcurrent: Self.maximumConnections, maximumPerHost: Self.maximumConnections, userAgent: "wharf-chaos", logger: logger)
        defer { client.shutdown() }
        let book = ChaosBook(planned: plan.schedule.injections.count)
        var failure: (any Error)?
        do {
            let shop = try await ChaosShop(folder, isClustered: cluster, capture: capture, transport: client, logger: logger)
            let run = ChaosRun(plan: plan, shop: shop, transport: client, book: book, console: console, logger: logger)
            try await StopRequest(abort: LiveProcesses.killAll).cancelling(console: console) { try await shop.whileRunning { try await run.perform() } }
        } catch {
            failure = error
        }
        let report = book.current
        if !report.faults.isEmpty { console.line("\n" + report.text(console.paint)) }
        if failure == nil, report.isGood {
            folder.remove()
            return
        }
        let options = "\(cluster ? " --cluster" : "") --seed \(plan.schedule.seed) --seconds \(seconds) --capture \(capture.rawValue)"
        console.line("Data and logs are kept in \(folder.path). To repeat it: wharf-dev chaos\(options)")
        if let failure { throw failure }
        throw report.checks == nil ? ExitCode(ChaosError(.failed, "").exitStatus) : ExitCode.failure
    }

    /// Customers, followers of orders, and stock checks, all at once.
    private static let maximumConnections = 64
}

extension CaptureMode: ExpressibleByArgument {}
