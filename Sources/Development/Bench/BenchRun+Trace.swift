import FoundationEssentials
import LocalState
import PostgreSQL
import ShopClient
import Terminal
import Up
import WebClient

/// Where the time of one order goes, and how many messages, turns and transactions it takes.
extension BenchRun {
    private static let tracedOrders = 100
    /// Before the first and after the last order, until what follows a confirmed order has happened: its mail and its webhook.
    private static let quiet = Duration.seconds(3)

    func measureSteps(_ running: RunningShop) async throws {
        let measured = try await DurableSteps(folder: folder, environment: running.environment).measure(plan.singleOrders)
        found(.durableSteps, measured.median, "ms", remark: "p99 \(Figures.text(measured.p99)) ms")
    }

    /// Places orders with logs at trace level. Leaves the usual shop running.
    func measureTrace() async throws -> RunningShop {
        console.line(console.paint.bold("Trace of one order"))
        let running = try await shop.start(workers: BenchPlan.workers, isTraced: true)
        try await attempt(.trace, .seconds(300)) { try await trace(running) }
        return try await shop.start(workers: BenchPlan.workers)
    }

    private func trace(_ running: RunningShop) async throws {
        _ = try await checkouts(running).measure(try await carts(running).fill(plan.warmUpOrders))
        let carts = try await carts(running).fill(Self.tracedOrders)
        let customer = customers(running, 1)
        let totals = try await BrokerTotals.settled(running, transport)
        let (ids, commits) = try await transactions(running)
        let begin = Self.microseconds
        var orders: [TracedOrder] = []
        for cart in carts {
            let sent = Self.microseconds
            let id = try await customer.orderOf(cart, wait: 10)
            orders.append(TracedOrder(id: id, sent: sent, answered: Self.microseconds))
        }
        try await Task.sleep(for: Self.quiet)
        let (idsAfter, commitsAfter) = try await transactions(running)
        let published = try await BrokerTotals.settled(running, transport).published - totals.published
        let count = Double(carts.count)
        let lines = lines(of: running, from: begin)
        guard Set(lines.compactMap(\.order)).isSuperset(of: orders.map(\.id)) else { throw BenchError(.wrong, "The workers' logs do not show the path of every order.") }
        let waterfall = Waterfall(orders, lines)
        book.note { $0.waterfall = waterfall }
        found(.orderMessages, Double(published) / count, "messages an order", remark: "with the one that waits for it, and its answer")
        found(.orderTurns, waterfall.turns, "turns an order")
        found(.orderWrites, Double(idsAfter - ids) / count, "write transactions an order", remark: "\(Figures.text(Double(commitsAfter - commits) / count)) in all")
    }

    /// Transactions that have written something so far, and all; those that only read get no id.
    private func transactions(_ running: RunningShop) async throws -> (ids: Int, commits: Int) {
        let rows = try await running.database.withConnection { connection in
            try await connection.query(
                """
                SELECT (pg_snapshot_xmax(pg_current_snapshot())::text)::bigint AS ids,
                       (SELECT sum(xact_commit)::bigint FROM pg_stat_database) AS commits
                """)
        }
        guard let row = rows.first else { throw BenchError(.failed, "PostgreSQL does not tell its counters.") }
        return (try row.decode("ids"), try row.decode("commits"))
    }

    private func lines(of running: RunningShop, from begin: Int) -> [TraceLine] {
        let logs = Set(running.workers.map(\.name)).map { folder.state.log(of: $0) }
        return logs.flatMap { path in
            let text = (try? Data(contentsOf: URL(filePath: path))).map { String(decoding: $0, as: UTF8.self) } ?? ""
            return text.split(separator: "\n").compactMap { TraceLine($0) }.filter { $0.taken >= begin }
        }
    }

    private static var microseconds: Int { Int(Date().timeIntervalSince1970 * 1e6) }
}

extension BenchCustomers {
    /// Checks out, waits for the order to settle, and gives its id.
    fileprivate func orderOf(_ cart: UUID, wait: Int) async throws -> String {
        struct Answer: Decodable {
            struct Order: Decodable { let id, state: String }
            let order: Order
        }
        let response = try await checkOut(cart, wait: wait)
        let order = try JSONDecoder().decode(Answer.self, from: Data(response.body)).order
        guard order.state == "confirmed" else { throw BenchError(.wrong, "An order is \(order.state), not confirmed.") }
        return order.id.lowercased()
    }
}
