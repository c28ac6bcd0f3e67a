import Contracts
import FoundationEssentials
import JSON
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// The inboxes of the services that handle a checkout's messages. They find messages by id.
public struct Inboxes: Sendable {
    /// The services other than orders, which reads its own inbox directly.
    static let others = ["carts", "catalog", "notifications", "payments"]
    /// Timeout of each query. An operator waits, and a service that does not answer is not asked twice.
    static let timeout: Duration = .seconds(1)

    let ask: RequestClient.Ask
    let randomness: any Randomness

    /// - Parameter ask: Sends a request to another service; `RequestClient.ask` in production.
    public init(ask: @escaping RequestClient.Ask, randomness: any Randomness) {
        self.ask = ask
        self.randomness = randomness
    }

    /// Returns the messages that each service has handled; nil for a service that does not answer.
    func find(_ queries: [(service: String, ids: [UUID])]) async throws -> [(service: String, handled: [InboxTrail.Handled]?)] {
        try await withThrowingTaskGroup(of: (String, [InboxTrail.Handled]?).self) { group in
            for query in queries where !query.ids.isEmpty {
                group.addTask { (query.service, try await self.find(query.ids, in: query.service)) }
            }
            return try await group.reduce(into: []) { $0.append(($1.0, $1.1)) }
        }
    }

    private func find(_ ids: [UUID], in service: String) async throws -> [InboxTrail.Handled]? {
        let query = InboxQuery(messages: ids, isTraced: true)
        let answer: InboxAnswer? = try await RequestClient.answer(to: query, MessageName.findInInbox(of: service), id: randomness.uuid(), within: Self.timeout, by: ask)
        return answer?.trail
    }
}
