import Contracts
import JSON
import Messaging
import Runtime
import Traces

/// Requests the owner of a session token from users.
package struct SessionQuery: Sendable {
    package static let deadline: Duration = .seconds(5)

    private let requests: any Requesting
    private let randomness: any Randomness

    package init(requests: any Requesting, randomness: any Randomness) {
        self.requests = requests
        self.randomness = randomness
    }

    /// Returns nil for a token without a session.
    /// - Parameter hash: Hexadecimal SHA-256 of the token.
    /// - Throws: `RequestClient.Unanswered`
    package func caller(_ hash: String, of client: Client, trace: TraceContext) async throws -> Caller? {
        let request = Request(
            id: randomness.uuid(), operation: MessageName.resolveSession,
            body: try JSON.encode(ResolveSession(tokenHash: hash, address: client.address, agent: client.agent)), traceparent: trace.header)
        let reply = try await requests.send(request, durability: .query, timeout: Self.deadline)
        switch reply.status {
        case 200:
            let session = try JSON.decode(ResolvedSession.self, from: reply.body)
            return Caller(id: session.userID, role: session.role, email: session.email, locale: session.locale)
        case 404: return nil
        default: throw RequestClient.Unanswered.refused("users answered \(reply.status)")
        }
    }
}
