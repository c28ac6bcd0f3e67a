import ArgumentParser
import Assembly
import Audit
import LocalState
import Logging
import Messaging
import Operations
import Runtime
import Terminal
import Topology
import WebClient

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Reconciles orders, payments, stock, notifications and messages, and lists violations.",
        discussion: """
            Safe on a running shop: it reads with a database role that cannot write (WHARF_POSTGRES_URL_AUDIT, created by wharf migrate), and reports \
            a violation only when it has not changed for the grace period and a second look finds it again.

            Exit status 0: no violations. 1: violations. 2: something could not be read. 78: a setting is wrong. \
            In the folder of a running wharf-dev up no option is needed.
            """)

    /// An incomplete check is neither a pass nor a failure.
    private static let couldNotCheck = ExitCode(2)
    private static let pauses = 1...86_400

    @OptionGroup var source: TopologyCommand.Source

    @Option(help: "URL of the payment sandbox, whose ledger is read with STRIPE_API_KEY. (default: that of wharf-dev up, else Stripe's list when STRIPE_API_KEY is set)")
    var ledger: String?

    @Option(help: "Check only orders placed and messages handled since this time, such as \(StartTime.example). For large shops.")
    var since: StartTime?

    @Option(help: "Seconds that a difference must stay unchanged before it counts. Choose more than the clocks of the machines differ.")
    var grace = AuditOptions.standardGrace

    @Option(help: "Repeat every so many seconds and print changes, until Ctrl-C.")
    var watch: Int?

    @Flag(help: "Print JSON; with --watch one line per audit.")
    var json = false

    func validate() throws {
        guard AuditOptions.graces.contains(grace) else {
            throw ValidationError("--grace is \(Int(AuditOptions.graces.lowerBound)) to \(Int(AuditOptions.graces.upperBound)), not \(grace).")
        }
        if let watch, !Self.pauses.contains(watch) {
            throw ValidationError("--watch is \(Self.pauses.lowerBound) to \(Self.pauses.upperBound), not \(watch).")
        }
    }

    func run() async throws {
        let (settings, logger) = try Role.start("audit", isTool: true)
        let client = WebClient(userAgent: "wharf-audit", usesEnvironmentProxy: true, logger: logger)
        defer { client.shutdown() }
        let record: RunRecord? = try? StateFolder().read(from: StateFolder.recordFile)
        let options = AuditOptions(grace: grace, since: since?.date)
        let output = AuditOutput(json: json, watches: watch != nil)
        do {
            let target = AuditTarget(
                settings, definitions: try Broker.definitions(source.definitions), sandbox: ledger ?? record?.sandboxURL, transport: client)
            if let watch {
                try await StopRequest {}.cancelling(console: Console(terminal: output.terminal)) {
                    while true {
                        try await output.show(Audit.run(target, options, clock: settings.clock, logger: logger))
                        try await settings.clock.sleep(for: .seconds(watch))
                    }
                }
            } else {
                try await output.show(Audit.run(target, options, clock: settings.clock, logger: logger))
            }
        } catch let error where error is AuditError || error is TopologyError {
            Role.complain("\(error)")
            throw Self.couldNotCheck
        }
        if !output.isClean { throw ExitCode.failure }
    }
}
