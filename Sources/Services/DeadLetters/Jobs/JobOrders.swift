import Contracts
import FoundationEssentials
import JSON
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// The states of the orders that a job's letters name: a handled message may be only one step of many.
struct JobOrders: Sendable {
    /// Maximum number of a job's orders whose states are queried; for a larger job, the first ones.
    static let maximum = 5_000
    /// Timeout: an administrator waits for the answer. Without it, the job is shown without its orders.
    static let timeout: Duration = .seconds(2)
    private static let maximumConcurrent = 4

    let ask: RequestClient.Ask

    /// Nil where orders does not answer.
    func states(of job: Job, _ database: any Database) async throws -> [String: Int]? {
        let orders = try await database.withConnection { try await Self.orders(of: job, on: $0) }
        guard !orders.isEmpty else { return [:] }
        let portions = stride(from: 0, to: orders.count, by: OrderStatesQuery.maximum).map { Array(orders[$0..<min($0 + OrderStatesQuery.maximum, orders.count)]) }
        let answers = await portions.concurrentMap(limit: Self.maximumConcurrent) { await counts(of: $0) }
        return answers.reduce([:]) { sum, counts in counts.flatMap { new in sum?.merging(new, uniquingKeysWith: +) } }
    }

    private func counts(of orders: [UUID]) async -> [String: Int]? {
        let query = OrderStatesQuery(orders: orders)
        let states: OrderStates? = try? await RequestClient.answer(to: query, MessageName.orderStates, id: .v4(), within: Self.timeout, by: ask)
        return states?.counts
    }

    private static func orders(of job: Job, on connection: any SQLConnection) async throws -> [UUID] {
        try await connection.query(
            """
            SELECT DISTINCT order_id
            FROM (SELECT letter_id FROM job_letters WHERE job_id = \(job.id) AND acted_at IS NOT NULL ORDER BY letter_id LIMIT \(maximum)) AS acted
            JOIN letters ON letters.id = letter_id
            WHERE order_id IS NOT NULL
            """
        ).map { try $0.decode("order_id") }
    }
}
