import Contracts
import FoundationEssentials
import Ingress
import JSON
import Messaging
import Secrets
import Synchronization

/// Takes the place of the broker and the services.
final class FakeRequests: Requesting {
    struct Sent: Sendable {
        let request: Request
        /// Nil for a posted one.
        let durability: Durability?
        let timeout: Duration
    }

    static let customer = Caller(id: UUID(uuid: (1, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 1)), role: .customer)
    static let admin = Caller(id: UUID(uuid: (2, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 2)), role: .admin)
    static let customerToken = "customers-token"
    static let adminToken = "admins-token"

    private let answer: @Sendable (Request) async throws -> Reply
    private let followUp: Reply?
    private let record = Mutex<[Sent]>([])
    private let ready = Mutex(true)

    init(
        followedBy followUp: Reply? = nil, _ answer: @escaping @Sendable (Request) async throws -> Reply = { _ in Reply(status: 200, body: Array("{}".utf8)) }
    ) {
        self.followUp = followUp
        self.answer = answer
    }

    /// Everything but the questions about sessions.
    var sent: [Sent] { all.filter { $0.request.operation != MessageName.resolveSession } }
    var all: [Sent] { record.withLock { $0 } }

    var isReady: Bool {
        get { ready.withLock { $0 } }
        set { ready.withLock { $0 = newValue } }
    }

    var canSend: Bool { isReady }

    var inFlight: Int { 0 }

    func send(_ request: Request, durability: Durability, timeout: Duration) async throws -> Reply {
        record.withLock { $0.append(Sent(request: request, durability: durability, timeout: timeout)) }
        if request.operation == MessageName.resolveSession { return try Self.resolve(request) }
        return try await answer(request)
    }

    /// The second reply that follows one that announces it.
    func second(after first: Reply) async -> Reply? { followUp }

    func post(_ request: Request, timeout: Duration) async throws {
        record.withLock { $0.append(Sent(request: request, durability: nil, timeout: timeout)) }
        _ = try await answer(request)
    }

    private static func resolve(_ request: Request) throws -> Reply {
        let hash = try JSON.decode(ResolveSession.self, from: request.body).tokenHash
        for (token, caller) in [(customerToken, customer), (adminToken, admin)] where SHA256.hex(token) == hash {
            return try Reply(json: ResolvedSession(userID: caller.id, role: caller.role))
        }
        return Reply(.notFound("session"))
    }
}
