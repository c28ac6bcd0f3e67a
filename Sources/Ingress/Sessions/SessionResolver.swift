import Contracts
import Messaging
import Runtime
import Secrets
import Traces

/// Resolves the owner of a session token: from the cache, or by asking users.
struct SessionResolver: Sendable {
    static let deadline = SessionQuery.deadline

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
        let caller = try await cache.caller(hash, now: clock.now()) { try await SessionQuery(requests: requests, randomness: randomness).caller(hash, of: client, trace: trace) }
        guard let caller else {
            throw Refusal.unauthorized("The session token is not valid, or no longer valid.", error: "invalid_token")
        }
        return Session(caller: caller, tokenHash: hash)
    }
}
