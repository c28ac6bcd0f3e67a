import ArgumentParser
import Assembly
import DeadLetters
import FoundationEssentials
import LocalState
import Logging
import Messaging
import Operations
import PostgreSQL
import Terminal
import Topology
import WebClient

/// The state of `wharf-dev up` in this folder.
struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Shows the processes, queues and dead letters of wharf-dev up in this folder.",
        discussion: "Exit status 0: everything is ready. 1: nothing runs. 2: something is not ready or cannot be read.")

    private static let exitOfTrouble: Int32 = 2
    /// In seconds: the maximum age of RabbitMQ's queue statistics, because of which the queues of a newly started shop seem to have no consumers.
    private static let statisticsDelay = 15.0
    /// How long each step of counting dead letters may take: a frozen server accepts connections and does not answer.
    private static let longestCount: Duration = .seconds(3)

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let report: StatusReport
        do {
            report = try await Self.report(of: StateFolder())
        } catch {
            Role.complain("\(error)")
            throw ExitCode(error.exitStatus)
        }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            Console.print(String(decoding: try encoder.encode(report), as: UTF8.self) + "\n")
        } else {
            let paint = Terminal(environment: ProcessInfo.processInfo.environment).paint
            Console.print(report.text(paint) + "\n")
        }
        if !report.running { throw ExitCode.failure }
        if !report.isWell { throw ExitCode(Self.exitOfTrouble) }
    }

    /// Queries everything that runs; a part that does not answer appears as a trouble in the report, not as an error.
    static func report(of folder: StateFolder, at now: Date = Date()) async throws(UpError) -> StatusReport {
        guard try UpLock.holder(of: folder) != nil, let record: RunRecord = try folder.read(from: StateFolder.recordFile) else { return .nothing }
        let client = WebClient(logger: quiet)
        defer { client.shutdown() }
        var report = StatusReport(running: true, pid: record.pid, state: record.state, url: record.url)
        report.processes = await processes(of: record, client, at: now)
        guard let environment: [String: String] = try folder.read(from: StateFolder.environmentFile) else { return report }
        var troubles: [String] = []
        do {
            let found = try await queues(environment, client)
            report.queues = found
            let definitions = try Broker.definitions(Broker.standardDefinitions)
            let topology = definitions.queues.map(\.name)
            let queues = QueueList.queues(found, of: topology)
            report.queues = queues
            let missing = queues.filter { $0.isMissing == true }.map(\.name)
            if !missing.isEmpty { troubles.append("The broker lacks \(missing.joined(separator: ", ")): wharf topology apply brings them back.") }
            if now.timeIntervalSince(record.startedAt) > Self.statisticsDelay { troubles += QueueList.unconsumed(queues, of: topology) }
            troubles += try await Topology.troubles(of: definitions, via: try Broker.management(try Settings(environment: environment), client))
        } catch {
            troubles.append("The queues cannot be shown: \(error)")
        }
        do {
            report.openDeadLetters = try await openDeadLetters(environment)
        } catch {
            troubles.append("Dead letters cannot be counted: \(error)")
        }
        report.troubles = troubles.isEmpty ? nil : troubles
        return report
    }

    private static func processes(of record: RunRecord, _ client: WebClient, at now: Date) async -> [StatusReport.Process] {
        let urls = [record.url, record.consoleURL, record.sandboxURL].compactMap(\.self).compactMap { URL(string: $0)?.port }
        let probe = HealthProbe(transport: client, publicPorts: Set(urls))
        let health = await withTaskGroup(of: (String, StatusReport.Health).self) { group in
            for process in record.processes { group.addTask { (process.name, await probe.health(of: process)) } }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        return record.processes.map { process in
            let resident = ProcessView(pid: process.pid).residentBytes
            return StatusReport.Process(
                name: process.name, role: process.role, pid: process.pid, health: health[process.name] ?? .init(.unknown),
                uptimeSeconds: resident == nil ? nil : max(0, Int(now.timeIntervalSince(process.startedAt))), residentBytes: resident,
                restarts: process.restarts)
        }
    }

    private static func queues(_ environment: [String: String], _ client: WebClient) async throws -> [StatusReport.Queue] {
        try await QueueList(transport: client, managementURL: environment[ServerURLs.managementVariable, default: ""]).read()
    }

    private static func openDeadLetters(_ environment: [String: String]) async throws -> Int {
        let service = ServiceName.deadletters.rawValue
        let settings = try Settings(environment: environment)
        let pool = try PostgresPool(
            url: settings.postgresURL(for: service), access: .read, allowsPlainText: settings.allowsPlainText(to:), size: 1,
            acquisitionTimeout: longestCount, connectTimeout: longestCount, applicationName: "wharf status", schema: service, responseTimeout: longestCount,
            logger: quiet)
        let causes = try await pool.withConnection { try await DeadLetterStore.causes(DeadLetterFilter(state: .open), on: $0) }
        return causes.reduce(0) { $0 + $1.count }
    }

    private static var quiet: Logger {
        Logger(label: "wharf status") { _ in SwiftLogNoOpLogHandler() }
    }
}
