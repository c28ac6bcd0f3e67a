import FoundationEssentials
import PostgreSQL
import Terminal
import WebClient

/// Orders placed as fast as possible, and their cost.
struct Checkouts: Sendable {
    /// The result of one measurement.
    struct Measured: Sendable {
        /// From the first checkout to the last confirmed order.
        let seconds: Double
        let rate: Double
        /// Until a checkout was accepted.
        let acceptance: Latencies
        /// Orders that were accepted and not confirmed, at one moment.
        let largestBacklog: Int
        let retries: Int
        /// Of all orders, including the work that follows their confirmation.
        let costs: Costs
        /// Shares of the machine's processors that were busy while the clock ran, with anything and with processes outside the benchmark; 0 to 1.
        let busy: Double
        let foreign: Double
        /// The largest resident memory of a process, in bytes, by role.
        let peakMemory: [String: Int]
    }

    private static let pause = Duration.milliseconds(20)
    private static let watchPause = Duration.milliseconds(200)
    /// What follows a confirmed order (its mail) may take this long.
    private static let quietLimit = Duration.seconds(60)

    let shop: RunningShop
    let transport: any HTTPTransport
    let clients: Int

    /// - Throws: ``BenchError`` with code `wrong` unless every cart became a confirmed order.
    func measure(_ carts: [UUID]) async throws -> Measured {
        // Neither a checkpoint of earlier work, nor its absence, should be measured.
        try await shop.database.withConnection { _ = try await $0.execute("CHECKPOINT") }
        let announcedBefore = try await announced()
        let customers = BenchCustomers(transport: transport, url: shop.url, count: clients)
        let before = try await CostCounters.now(shop)
        let watch = Watch(shop)
        let clock = ContinuousClock()
        let start = clock.now
        let acceptance = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while true {
                    watch.look(pending: try await pending())
                    try await clock.sleep(for: Self.watchPause)
                }
            }
            defer { group.cancelAll() }
            let acceptance = try await customers.each(of: carts.count) { try await customers.checkOut(carts[$0]) }
            while try await pending() > 0 { try await clock.sleep(for: Self.pause) }
            return acceptance
        }
        let seconds = (clock.now - start).seconds
        let shares = ProcessorUse.now(shop).shares(since: before.use)
        try await check(carts)
        try await waitUntilQuiet(announcedBefore, orders: carts.count)
        let after = try await CostCounters.now(shop)
        return Measured(
            seconds: seconds, rate: Double(carts.count) / seconds, acceptance: acceptance, largestBacklog: watch.largestBacklog,
            retries: customers.retries, costs: Costs(from: before, to: after), busy: shares.busy, foreign: shares.foreign,
            peakMemory: watch.peakMemory)
    }

    /// Orders that wait for something: only those have a deadline. Answered from a small index, however many orders there are.
    private func pending() async throws -> Int {
        try await count("SELECT count(*) AS count FROM orders.checkouts WHERE due_minute IS NOT NULL")
    }

    private func check(_ carts: [UUID]) async throws {
        let confirmed = try await count(
            """
            SELECT count(*) AS count FROM orders.orders JOIN orders.checkouts ON order_id = id
            WHERE cart_id = ANY(\(carts)) AND phase = 'confirmed'
            """)
        guard confirmed == carts.count else {
            throw BenchError(.wrong, "Of \(carts.count) checkouts \(confirmed) became confirmed orders.")
        }
    }

    /// Mails that were sent: the last that comes of an order.
    private func announced() async throws -> Int {
        try await count("SELECT count(*) AS count FROM notifications.notifications WHERE result <> 'pending'")
    }

    /// One mail an order. What has not come after a minute is left to the next measurement.
    private func waitUntilQuiet(_ before: Int, orders: Int) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now + Self.quietLimit
        while try await announced() < before + orders, clock.now < deadline { try await clock.sleep(for: Self.watchPause) }
    }

    private func count(_ sql: SQL) async throws -> Int {
        let rows = try await shop.database.withConnection { try await $0.query(sql) }
        return try rows.first?.decode("count") ?? 0
    }
}
