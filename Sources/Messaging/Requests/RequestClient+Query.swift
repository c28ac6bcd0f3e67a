import Contracts
public import FoundationEssentials
import JSON
import Runtime

extension RequestClient {
    /// How a service asks another: ``RequestClient/ask`` in production.
    public typealias Ask = @Sendable (Request, Durability, Duration) async throws -> Reply

    /// Like ``send(_:durability:timeout:)``, but waits while the connection or the reply queue is missing. A worker that reconnects may receive messages before it has its
    /// reply queue again; without the wait, it would refuse requests that any other worker could handle.
    public var ask: Ask {
        { request, durability, timeout in
            let deadline = self.clock.now().addingTimeInterval(timeout.seconds)
            while await !self.canSend, self.clock.now() < deadline { try await self.clock.sleep(for: Self.sweepInterval) }
            return try await self.send(request, durability: durability, timeout: .seconds(max(0, deadline.timeIntervalSince(self.clock.now()))))
        }
    }

    /// The answer of another service to a query; nil if the service does not answer within `timeout`, or with another status than 200.
    public static func answer<Answer: Decodable>(
        to query: some Encodable, _ operation: String, id: UUID, within timeout: Duration, by ask: Ask
    ) async throws -> Answer? {
        let request = Request(id: id, operation: operation, body: try JSON.encode(query))
        do {
            let reply = try await ask(request, .query, timeout)
            return reply.status == 200 ? try JSON.decode(Answer.self, from: reply.body) : nil
        } catch is Unanswered {
            return nil
        }
    }
}
