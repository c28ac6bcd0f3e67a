import Contracts
import JSON
import Messaging
import Runtime
import Secrets
import Traces

/// Resolves the owner of a session token: from the cache, or by asking users.
struct SessionResolver: Sendable {
    static let deadline: Duration = .seconds(5)

    struct Session: Sendable, Equatable {
        let caller: Caller
        /// Hexadecimal SHA-256 of the token; the token itself travels no further than this.
        let tokenHash: String
    }

    let cache: SessionCache
    let requests: any Requesting
    let clock: any WallClock
    let randomness: any Randomness

    /// Throws a 401 ``Refusal`` for a token that belongs to no session, and the query's error when there is no answer.
    func session(_ token: String, of client: Client, trace: TraceContext) async throws -> Session {
        let hash = SHA256.hex(token)
        let caller = try await cache.caller(hash, now: clock.now()) { try await ask(hash, client, trace) }
        guard let caller else {
            throw Refusal.unauthorized("The session token is not valid, or no longer valid.", error: "invalid_token")
        }
        return Session(caller: caller, tokenHash: hash)
    }

    private func ask(_ hash: String, _ client: Client, _ trace: TraceContext) async throws -> Caller? {
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
