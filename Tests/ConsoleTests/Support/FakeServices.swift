import Contracts
import FoundationEssentials
import Ingress
import JSON
import Messaging
import Secrets
import Synchronization

@testable import Console

/// Stands in for the broker and the services. Every text in its answers contains markup.
final class FakeServices: Requesting {
    static let admin = Caller(id: UUID(uuid: (2, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 2)), role: .admin, email: "admin@example.com")
    static let customer = Caller(id: UUID(uuid: (1, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 1)), role: .customer)
    static let password = "correct horse"

    private struct State {
        var sent: [Request] = []
        var posted: [Request] = []
        /// The sessions by the hash of their token.
        var sessions: [String: Caller] = [:]
        var refusals: [String: Reply] = [:]
    }

    private let state = Mutex(State())

    var sent: [Request] { state.withLock { $0.sent.filter { $0.operation != MessageName.resolveSession } } }
    /// Those whose reply nobody waits for.
    var posted: [Request] { state.withLock { $0.posted } }
    var isReady: Bool { true }
    var canSend: Bool { true }
    var inFlight: Int { 0 }

    /// Opens a session and returns its token.
    func session(of caller: Caller = admin, token: String = "a-token-of-a-session") -> String {
        state.withLock { $0.sessions[SHA256.hex(token)] = caller }
        return token
    }

    func change(_ token: String, to caller: Caller?) { state.withLock { $0.sessions[SHA256.hex(token)] = caller } }

    /// Lets an operation answer differently.
    func answer(_ operation: ConsoleOperation, _ reply: Reply) { state.withLock { $0.refusals[operation.rawValue] = reply } }

    func send(_ request: Request, durability: Durability, timeout: Duration) async throws -> Reply {
        state.withLock { $0.sent.append(request) }
        if let reply = state.withLock({ $0.refusals[request.operation] }) { return reply }
        switch request.operation {
        case MessageName.resolveSession:
            let hash = try JSON.decode(ResolveSession.self, from: request.body).tokenHash
            guard let caller = state.withLock({ $0.sessions[hash] }) else { return Reply(.notFound("session")) }
            return try Reply(json: ResolvedSession(userID: caller.id, role: caller.role, email: caller.email))
        case ConsoleOperation.signIn.rawValue: return try signIn(request)
        case ConsoleOperation.signOut.rawValue:
            state.withLock { $0.sessions[request.parameters["session"] ?? ""] = nil }
            return .noContent
        default: return Canned.reply(to: request)
        }
    }

    private func signIn(_ request: Request) throws -> Reply {
        let given = try JSON.decode([String: String].self, from: request.body)
        guard given["password"] == Self.password else { return Reply(Problem("invalid-credentials", title: "Wrong", status: 401, detail: "wrong")) }
        let caller = given["email"] == "admin@example.com" ? Self.admin : Self.customer
        let token = session(of: caller, token: "token-of-\(caller.role.rawValue)")
        return Reply(status: 201, body: Array(#"{"token": "\#(token)", "user": {"id": "\#(caller.id.lowerCaseText)", "role": "\#(caller.role.rawValue)"}}"#.utf8))
    }

    func second(after first: Reply) async -> Reply? { nil }
    func post(_ request: Request, timeout: Duration) async throws {
        state.withLock { $0.posted.append(request) }
        _ = try await send(request, durability: .durable, timeout: timeout)
    }
}
