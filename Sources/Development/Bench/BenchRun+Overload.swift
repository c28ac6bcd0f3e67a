import FoundationEssentials
import Logging
import PostgreSQL
import ShopClient
import Terminal
import Up
import WebClient

/// Three times what the shop can serve, for a while: accepted requests are answered in time, the rest is refused at once, and nothing grows.
extension BenchRun {
    private static let excess = 3.0
    private static let watchPause = Duration.milliseconds(500)
    private static let settlePause = Duration.milliseconds(200)
    private static let quietLooks = 15
    /// A little more than the longest deadline.
    private static let answerTimeout = Duration.seconds(40)

    func measureOverload(_ running: RunningShop) async throws {
        let client = WebClient(
            maximumConcurrent: OpenLoop.maximumUnanswered, maximumWaiting: OpenLoop.maximumUnanswered, maximumPerHost: OpenLoop.maximumUnanswered,
            connectTimeout: .seconds(10), userAgent: "wharf-bench", logger: Logger(label: "wharf-dev bench") { _ in SwiftLogNoOpLogHandler() })
        defer { client.shutdown() }
        if let best = book.current.median(.checkouts) { try await overloadCheckouts(running, client, Self.excess * best) }
        try await overloadProducts(running, client)
    }

    private func overloadCheckouts(_ running: RunningShop, _ client: WebClient, _ rate: Double) async throws {
        let carts = try await carts(running).fill(Int(rate * plan.overloadSeconds))
        let before = try await orders(running).confirmed
        let (answers, offered, during) = try await overload(running, rate, carts.count) { number async throws(WebClientError) in
            let cart = carts[number]
            return try await client.send(
                WebRequest(
                    method: "POST", url: "\(running.url)/v1/checkouts",
                    headers: [("content-type", "application/json"), ("idempotency-key", "bench-\(cart.text)")],
                    body: BenchCustomers.checkout(of: cart), timeout: Self.answerTimeout))
        } atEnd: {
            try await orders(running).confirmed - before
        }
        found(.overload, Double(during) / offered, "orders/s", remark: "offered \(Figures.text(rate))/s, \(Self.remark(answers))")
        note(answers, .overloadLatency, .overloadRefusal)
        let clock = ContinuousClock()
        let start = clock.now
        // A late checkout may still become an order: wait until nothing is open and no order has appeared for a while.
        var (confirmed, quiet) = (0, 0)
        while quiet < Self.quietLooks {
            try await clock.sleep(for: Self.settlePause)
            let now = try await orders(running)
            quiet = now.open == 0 && now.confirmed - before == confirmed ? quiet + 1 : 0
            confirmed = now.confirmed - before
        }
        let seconds = (clock.now - start - Self.settlePause * Self.quietLooks).seconds
        found(.overloadBacklog, seconds, "s until all had settled", remark: "\(confirmed) confirmed orders in the end")
        let unknown = answers.late + answers.others.values.reduce(0, +)
        guard (answers.accepted.count...answers.accepted.count + unknown).contains(confirmed) else {
            throw BenchError(.wrong, "\(answers.accepted.count) checkouts were accepted, and \(confirmed) became confirmed orders.")
        }
    }

    private func overloadProducts(_ running: RunningShop, _ client: WebClient) async throws {
        let paths = try await productPaths(running)
        // Measured with the client that then overloads the shop: its share of the processors affects both.
        let clock = ContinuousClock()
        let start = clock.now
        let customers = customers(running, BenchPlan.clients)
        _ = try await customers.each(of: plan.capacityReads) { try await customers.send("GET", paths[$0 % paths.count], expecting: [200]) }
        let best = Double(plan.capacityReads) / (clock.now - start).seconds
        found(.productCapacity, best, "requests/s")
        let rate = Self.excess * best
        let (answers, seconds, _) = try await overload(running, rate, Int(rate * plan.overloadSeconds)) { number async throws(WebClientError) in
            try await client.send(WebRequest(url: running.url + paths[number % paths.count], timeout: Self.answerTimeout))
        } atEnd: {
            0
        }
        let answered = Double(answers.accepted.count) / seconds
        found(.overloadProduct, answered, "requests/s", remark: "offered \(Figures.text(rate))/s, \(Self.remark(answers))")
        note(answers, .overloadProductLatency, .overloadProductRefusal)
    }

    /// Offers requests and watches memory meanwhile; the seconds are those in which requests were offered.
    private func overload(
        _ running: RunningShop, _ rate: Double, _ total: Int, _ send: @escaping @Sendable (Int) async throws(WebClientError) -> WebResponse,
        atEnd: @escaping @Sendable () async throws -> Int
    ) async throws -> (answers: OpenLoop.Answers, seconds: Double, atEnd: Int) {
        let clock = ContinuousClock()
        let watch = Watch(running)
        let use = ProcessorUse.now(running)
        let result = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while true {
                    watch.look(pending: 0)
                    try await clock.sleep(for: Self.watchPause)
                }
            }
            defer { group.cancelAll() }
            return try await OpenLoop(rate: rate, total: total).run(send, onSent: atEnd)
        }
        let shares = ProcessorUse.now(running).shares(since: use)
        let peak = watch.peakMemory.mapValues { Double($0) / 1e6 }
        let listed = peak.sorted { $0.value > $1.value }.prefix(4).map { "\($0.key) \(Figures.text($0.value))" }.joined(separator: ", ")
        console.line("  \(console.paint.dim("peak MB: \(listed); processors \(Goals.percent(shares.busy)) busy, \(Goals.percent(shares.foreign)) by others"))")
        found(.overloadMemory, peak[ChildSpec.ingress] ?? 0, "MB of the ingress")
        return (result.answers, result.seconds, result.seen)
    }

    private func note(_ answers: OpenLoop.Answers, _ accepted: BenchFigure, _ refused: BenchFigure) {
        let taken = Latencies(answers.accepted)
        found(accepted, taken.percentile(0.99), "ms p99 of what was accepted", remark: "p50 \(Figures.text(taken.percentile(0.5))) ms")
        let turned = Latencies(answers.refused)
        guard !answers.refused.isEmpty else { return }
        found(refused, turned.percentile(0.99), "ms p99 of what was refused", remark: "p50 \(Figures.text(turned.percentile(0.5))) ms")
    }

    private static func remark(_ answers: OpenLoop.Answers) -> String {
        let others = answers.others.sorted { $0.key < $1.key }.map { ", \($0.value) × \($0.key)" }.joined()
        return "\(answers.accepted.count) accepted, \(answers.refused.count) refused, \(answers.late) late\(others), \(answers.unsent) not sent"
    }

    private func orders(_ running: RunningShop) async throws -> (confirmed: Int, open: Int) {
        let rows = try await running.database.withConnection { connection in
            try await connection.query(
                """
                SELECT (SELECT count(*) FROM orders.checkouts WHERE phase = 'confirmed') AS confirmed,
                       (SELECT count(*) FROM orders.checkouts WHERE due_minute IS NOT NULL) AS open
                """)
        }
        guard let row = rows.first else { return (0, 0) }
        return (try row.decode("confirmed"), try row.decode("open"))
    }
}
