import FoundationEssentials
import Load
import LocalState
import Logging
import PostgreSQL
import ShopClient
import Terminal
import Up
import WebClient

/// One run of the benchmark: limits and cases in turns, so that other load on the machine falls on both.
struct BenchRun: Sendable {
    /// The limit for a case in one round.
    private static let caseLimit = Duration.seconds(300)
    /// The limit for a case that fills tables or places very many orders.
    private static let longLimit = Duration.seconds(3_600)

    let plan: BenchPlan
    let baskets: Baskets
    /// The file of real products.
    let products: String
    let folder: BenchFolder
    let shop: BenchShop
    /// Nil where it is not there.
    let peer: Peer?
    let transport: any HTTPTransport
    let book: BenchBook
    let console: Console
    let logger: Logger

    /// Measures everything; a case that cannot be measured is recorded as failed, and the others go on.
    /// - Throws: ``BenchError`` when there is no shop to measure; `CancellationError`.
    func perform() async throws {
        if plan.needsBroker { try await BrokerLimits.compile(in: folder) }
        if plan.needsSteps { try await DurableSteps.compile(in: folder) }
        if plan.wants(.distance) { try await FarHost.compile(in: folder) }
        console.line("Starting a shop of its own in \(folder.path)")
        var running = try await shop.start(workers: BenchPlan.workers)
        try await note(running)
        try await within(Self.caseLimit, "The warm-up") { [running] in try await warmUp(running) }
        running = try await measureStart(running)
        for round in 0..<plan.rounds { try await measure(running, round: round) }
        if plan.wants(.peer), let peer {
            try await attempt(.peer, Self.longLimit) { [running] in try await measurePeer(running, peer) }
        }
        if plan.wants(.trace) { running = try await measureTrace() }
        if plan.wants(.memory) {
            try await attempt(.memory, Self.caseLimit) { [running] in try await measureInFlight(running) }
        }
        if plan.wants(.scaling) { running = try await measureScaling(running) }
        if plan.wants(.ingress) {
            try await attempt(.ingress, Self.caseLimit) { [running] in try await measureIngressScaling(running) }
        }
        if plan.wants(.distance) { running = try await measureDistance() }
        if plan.wants(.overload) {
            try await attempt(.overload, Self.longLimit) { [running] in try await measureOverload(running) }
        }
        if plan.wants(.imports, .search) {
            try await attempt(.imports, Self.longLimit) { [running] in try await measureImport(running) }
        }
        if plan.wants(.search) {
            try await attempt(.search, Self.longLimit) { [running] in try await measureSearch(running) }
        }
        if plan.wants(.signIns) { running = try await measureSignIns() }
        if plan.wants(.deadLetters) {
            try await attempt(.deadLetters, Self.longLimit) { [running] in try await measureDeadLetters(running) }
        }
        if plan.wants(.backlog) {
            try await attempt(.backlog, Self.longLimit) { [running] in try await measureBacklog(running) }
        }
        if plan.wants(.growth) {
            try await attempt(.growth, Self.longLimit * max(1, plan.grownOrders / 1_000_000)) { [running] in try await measureGrowth(running) }
        }
        book.note { $0.isComplete = true }
    }

    /// One round: each limit next to the cases that are reported as ratios of it.
    private func measure(_ running: RunningShop, round: Int) async throws {
        console.line(console.paint.bold("Round \(round + 1) of \(plan.rounds)"))
        if plan.needsOneByOne {
            try await attempt(.checkouts, Self.caseLimit) { try await measureOneByOne(running, round: round) }
        }
        if plan.needsCheckouts {
            try await attempt(.checkouts, Self.caseLimit) { try await measureCheckouts(running, round: round) }
        }
        if plan.needsBroker { try await attempt(.product, Self.caseLimit) { try await measureRequests(running) } }
        if plan.wants(.product) { try await attempt(.product, Self.caseLimit) { try await measureProduct(running) } }
        if plan.wants(.item) { try await attempt(.item, Self.caseLimit) { try await measureItem(running) } }
        if plan.wants(.slowGateway) { try await attempt(.slowGateway, Self.caseLimit) { try await measureSlowGateway(running) } }
        if plan.wants(.hot) { try await attempt(.hot, Self.caseLimit) { try await measureHot(running) } }
        if plan.needsBroker { try await attempt(.single, Self.caseLimit) { try await measureConfirms(running) } }
        if plan.needsSteps { try await attempt(.single, Self.caseLimit) { try await measureSteps(running) } }
        if plan.wants(.single) { try await attempt(.single, Self.caseLimit) { try await measureSingle(running) } }
    }

    /// Measures a case; an error is its result.
    func attempt(_ name: BenchCase, _ limit: Duration, _ body: @escaping @Sendable () async throws -> Void) async throws {
        do {
            try await within(limit, name.rawValue, body)
        } catch {
            try Task.checkCancellation()
            console.line("  \(console.paint.bad(name.rawValue)) \(error)")
            book.note { $0.failures[name.rawValue] = "\(error)" }
        }
    }

    /// Records a figure and prints it.
    func found(_ figure: BenchFigure, _ value: Double, _ unit: String, remark: String = "") {
        book.add(figure, value)
        console.line("  \(figure.rawValue): \(Figures.text(value)) \(unit)\(remark.isEmpty ? "" : console.paint.dim("  " + remark))")
    }

    func carts(_ running: RunningShop) -> PreparedCarts {
        PreparedCarts(baskets: baskets, database: running.database)
    }

    func checkouts(_ running: RunningShop) -> Checkouts {
        Checkouts(shop: running, transport: transport, clients: BenchPlan.clients)
    }

    func customers(_ running: RunningShop, _ count: Int) -> BenchCustomers {
        BenchCustomers(transport: transport, url: running.url, count: count)
    }

    /// Sets how long the payment gateway takes for every call.
    func setGatewayLatency(_ milliseconds: Int, _ running: RunningShop) async throws {
        let request = WebRequest(
            method: "PUT", url: "\(try running.sandboxURL)/_faults", headers: [(name: "content-type", value: "application/json"), (name: "authorization", value: "Bearer \(running.sandboxKey)")],
            body: Array(#"{"latencyMilliseconds":\#(milliseconds)}"#.utf8))
        let response = try await transport.send(request)
        guard response.isSuccess else { throw BenchError(.failed, "The sandbox answered \(response.status) to a new latency.") }
    }

    func administrator(_ running: RunningShop) async throws -> Administrator {
        let shop = Shop(transport: transport, url: running.url, deadline: ContinuousClock.now + Self.caseLimit) { _ in }
        return try await Administrator.signIn(to: shop, email: running.record.adminEmail, password: running.adminPassword)
    }

    /// Stocks the shop, and places a first few orders that do not count.
    func warmUp(_ running: RunningShop) async throws {
        let administrator = try await administrator(running)
        // The most that the stock takes: nothing must run out.
        _ = try await Stocking(administrator: administrator, fixed: Stocking.maximum)
            .stock(baskets.goods, demand: Array(repeating: 0, count: baskets.goods.count)) {}
        console.line("  \(baskets.goods.count) goods are in stock")
        let warm = try await checkouts(running).measure(try await carts(running).fill(plan.warmUpOrders))
        console.line("  warm after \(plan.warmUpOrders) orders, \(Figures.text(warm.rate)) orders/s")
    }

    private func note(_ running: RunningShop) async throws {
        let rows = try await running.database.withConnection { connection in
            try await connection.query(
                """
                SELECT name::text AS name, setting::text AS setting FROM pg_settings
                WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'server_version')
                """)
        }
        var settings: [String: String] = [:]
        for row in rows { settings[try row.decode("name")] = try row.decode("setting", as: String.self) }
        let version = settings.removeValue(forKey: "server_version") ?? ""
        guard settings.count == 3, settings.values.allSatisfy({ $0 == "on" }) else {
            throw BenchError(.failed, "PostgreSQL does not run with full durability: \(settings)")
        }
        let servers = BenchRecord.Servers(postgres: version, durability: settings, isReleaseBuild: Bench.isReleaseBuild)
        book.note { $0.servers = servers }
    }
}
