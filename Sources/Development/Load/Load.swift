import ArgumentParser
import Assembly
import FoundationEssentials
import Logging
import Operations
import Secrets
import ShopClient
import Terminal
import WebClient

/// Thousands of customers, and a reconciliation after them.
package struct Load: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Replays shopping baskets against a running shop, and checks that everything adds up.",
        discussion: """
            Each basket becomes a cart and a checkout. A request answered "not now" is repeated under the same idempotency key, so a run \
            outlives restarts of any part. When all orders have settled, the answers to the clients are reconciled with the stock, the payment ledger \
            and the dead letters; no one else may buy meanwhile. Exit status 1 when anything does not add up.

            In the folder of a running wharf-dev up nothing but --baskets is needed.
            """)

    @Option(help: "A file with one basket a line: item names, separated by commas.", completion: .file())
    var baskets: String

    @Option(help: "How many orders to place; baskets are used again when there are fewer.")
    var orders = 1_000

    @Option(help: "Customers at once, \(LoadPlan.clientCounts.lowerBound) to \(LoadPlan.clientCounts.upperBound).")
    var clients = 32

    @Option(help: "The shop's URL. (default: that of wharf-dev up, else \(LoadTarget.standardURL))")
    var url: String?

    @Option(help: "The payment sandbox, whose ledger is checked; its key is STRIPE_API_KEY. (default: that of wharf-dev up)")
    var ledger: String?

    @Option(help: "The administrator's e-mail address. (default: that of wharf-dev up)")
    var adminEmail: String?

    @Option(help: "The administrator's password. (default: that of wharf-dev up)")
    var adminPassword: String?

    @Option(help: "Pieces of each item in stock; few make orders be rejected. (default: as many as needed)")
    var stock: Int?

    @Flag(inversion: .prefixedNo, help: "Fill all carts before the first checkout, so that checkouts alone are measured.")
    var prepare = true

    @Option(help: "Seconds that everything may take, the reconciliation aside.")
    var timeout = 600

    @Option(help: "Shuffle the baskets, the same way for the same number.")
    var seed: UInt64?

    @Option(help: "Write the report to this file as well.", completion: .file(extensions: ["json"]))
    var json: String?

    package init() {}

    package func validate() throws {
        try check(orders, in: LoadPlan.orderCounts, "--orders")
        try check(clients, in: LoadPlan.clientCounts, "--clients")
        try check(timeout, in: LoadPlan.timeouts, "--timeout")
        if let stock { try check(stock, in: LoadPlan.stocks, "--stock") }
    }

    private func check(_ value: Int, in range: ClosedRange<Int>, _ option: String) throws {
        guard range.contains(value) else {
            throw ValidationError("\(option) is \(range.lowerBound) to \(range.upperBound), not \(value).")
        }
    }

    package func run() async throws {
        do {
            try await run(try plan())
        } catch let error as LoadError {
            Role.complain("\(error)")
            throw ExitCode(error.exitStatus)
        }
    }

    /// A live key is for Stripe alone.
    private static var sandboxKey: String? {
        ProcessInfo.processInfo.environment["STRIPE_API_KEY"].flatMap { Settings.Stripe.isLive(Secret($0)) ? nil : $0 }
    }

    private func plan() throws(LoadError) -> LoadPlan {
        let baskets = try Baskets(contentsOf: self.baskets)
        let target = try LoadTarget(.init(url: url, ledger: ledger, ledgerKey: Self.sandboxKey, email: adminEmail, password: adminPassword))
        return LoadPlan(
            target: target, baskets: baskets, sequence: baskets.order(seed: seed), orders: orders, clients: clients, stock: stock,
            prepares: prepare, timeout: .seconds(timeout))
    }

    private func run(_ plan: LoadPlan) async throws {
        let display = LoadDisplay(terminal: Terminal(environment: ProcessInfo.processInfo.environment))
        let console = Console(terminal: display.terminal, write: display.write)
        let concurrent = plan.clients + plan.followers + Stocking.maximumConcurrent
        let client = WebClient(
            maximumConcurrent: concurrent, maximumPerHost: concurrent, userAgent: "wharf-load",
            logger: Logger(label: "wharf-dev load") { _ in ConsoleLogHandler(console) })
        defer { client.shutdown() }
        let run = LoadRun(plan, transport: client)
        console.line("\(plan.orders) orders by \(plan.clients) clients at \(plan.target.url), \(plan.baskets.goods.count) goods")
        var failure: LoadError?
        do {
            try await StopRequest {}.cancelling(console: console) {
                try await display.showing(run.scoreboard, plan.size) { try await run.perform() }
            }
        } catch let error as LoadError {
            failure = error
        }
        let report = run.report
        if let json { try report.write(to: json) }
        // Before the first checkout there is nothing to report.
        if failure == nil || report.accepted + report.refused > 0 { console.line(report.text(display.terminal.paint)) }
        if let failure { throw failure }
        if !report.isGood { throw ExitCode.failure }
    }
}
