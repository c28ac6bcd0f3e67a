import Contracts
import FoundationEssentials
import Ingress
import JSON
import Messaging
import Operator
import Runtime
import Secrets
import Traces

/// Opens and ends sessions through the operations of the HTTP API. Users counts failed attempts by account and address.
struct SignIn: Sendable {
    enum Outcome: Sendable, Equatable {
        case opened(token: String)
        case refused(status: Int, String)
    }

    /// A worker needs about 400 ms to check a password, and other sign-ins may be waiting.
    private static let timeout: Duration = .seconds(20)

    let requests: any Requesting
    let randomness: any Randomness

    private struct Opened: Decodable {
        struct User: Decodable {
            let id: UUID
            let role: Caller.Role
        }

        let token: String
        let user: User
    }

    /// - Throws: `RequestClient.Unanswered`. If the user is not an administrator, the new session may then remain open, but its token has been discarded.
    func open(email: String, password: String, of client: Client, _ trace: TraceContext) async throws -> Outcome {
        var parameters: [String: String] = [:]
        parameters[Request.clientAddress] = client.address
        parameters[Request.clientAgent] = client.agent
        let body = try JSON.encode(["email": email, "password": password])
        let reply = try await send(request(.signIn, parameters, body: body, trace), .signIn)
        guard reply.status == 201 else { return Self.refusal(reply) }
        let opened = try JSON.decode(Opened.self, from: reply.body)
        guard opened.user.role == .admin else {
            // Otherwise the unused session would stay open. The message is durable, because the users service may not answer in time.
            let ending = request(.signOut, ["session": SHA256.hex(opened.token)], caller: Caller(id: opened.user.id, role: opened.user.role), trace)
            try await requests.post(ending, timeout: Self.timeout)
            return .refused(status: 403, "This account is not an administrator account.")
        }
        return .opened(token: opened.token)
    }

    /// - Parameter hash: The hash of the session's token.
    /// - Throws: ``Refusal`` or `RequestClient.Unanswered` if the session may still be open.
    func end(_ hash: String, of caller: Caller, _ trace: TraceContext) async throws {
        let reply = try await send(request(.signOut, ["session": hash], caller: caller, trace), .signOut)
        guard (200..<300).contains(reply.status) else { throw Refusal(reply) }
    }

    private static func refusal(_ reply: Reply) -> Outcome {
        switch reply.status {
        case 429: .refused(status: 429, "Too many attempts. Wait a while before you try again.")
        case 401, 422: .refused(status: 403, "The e-mail address or the password is wrong.")
        default: .refused(status: 503, "Signing in is not possible at the moment.")
        }
    }

    private func request(_ operation: ConsoleOperation, _ parameters: [String: String], caller: Caller? = nil, body: [UInt8] = [], _ trace: TraceContext) -> Request {
        Request(id: randomness.uuid(), operation: operation.rawValue, parameters: parameters, caller: caller, body: body, traceparent: trace.header)
    }

    private func send(_ request: Request, _ operation: ConsoleOperation) async throws -> Reply {
        try await requests.send(request, durability: operation.durability, timeout: Self.timeout)
    }
}
