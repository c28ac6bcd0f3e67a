import Assembly
import FoundationEssentials
import Load
import LocalServers
import Logging
import Messaging
import Operations
import PostgreSQL
import Runtime
import ServiceLifecycle
import Terminal

/// Checkouts that gather in the broker while no worker runs: clients that wait for an answer never make so many.
struct Backlog: Sendable {
    private static let postLimit = Duration.seconds(30)
    private static let readyLimit = Duration.seconds(10)
    /// Checkouts under way to the broker at once.
    private static let postsAtOnce = 500
    private static let operation = "carts.checkouts.create"
    private static let pause = Duration.milliseconds(250)

    let shop: RunningShop
    let logger: Logger

    /// Has the broker gather a checkout for each cart, with the workers that would handle them stopped; then resumes the workers.
    /// - Returns: seconds from there to the last confirmed order.
    func measure(_ carts: [UUID]) async throws -> Double {
        let confirmed = try await confirmedOrders()
        let held = HeldProcesses(.carts, of: shop)
        defer { held.letGo() }
        try await post(carts)
        let clock = ContinuousClock()
        let start = clock.now
        held.letGo()
        while try await confirmedOrders() < confirmed + carts.count { try await clock.sleep(for: Self.pause) }
        return (clock.now - start).seconds
    }

    private func confirmedOrders() async throws -> Int {
        let rows = try await shop.database.withConnection { connection in
            try await connection.query("SELECT count(*) AS count FROM orders.checkouts WHERE phase = 'confirmed'")
        }
        return try rows.first?.decode("count") ?? 0
    }

    /// Publishes the checkouts as the ingress does, each confirmed by the broker.
    private func post(_ carts: [UUID]) async throws {
        let assembly = Assembly(settings: try Settings(environment: shop.environment), logger: logger, name: "bench")
        let commands = try assembly.publisher(Assembly.ingress, confirms: true)
        let queries = try assembly.publisher(Assembly.ingress, confirms: true, for: "queries")
        let (client, parts) = try assembly.requestClient(Assembly.ingress, commands: commands, queries: queries)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for service in [commands, queries] + parts { group.addTask { try await service.run() } }
            defer { group.cancelAll() }
            guard try await poll(within: Self.readyLimit, until: { client.isReady }) else {
                throw BenchError(.failed, "The broker takes no messages.")
            }
            _ = try await carts.concurrentMap(limit: Self.postsAtOnce) { cart in
                let request = Request(id: UUID(), operation: Self.operation, body: BenchCustomers.checkout(of: cart))
                try await client.post(request, timeout: Self.postLimit)
            }
        }
    }
}
