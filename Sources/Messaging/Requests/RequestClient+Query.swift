import Contracts
public import FoundationEssentials
import JSON

extension RequestClient {
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
