import AMQP
import Assembly
import Contracts
import FoundationEssentials
import Messaging
import Operations
import Runtime
import ServiceLifecycle

/// An operator's shell: sends requests to services as the ingress does, one after the other over the same connection.
struct Shell: Sendable {
    /// How long an operator waits for a reply.
    private static let timeout: Duration = .seconds(10)
    /// An id that no account has.
    private static let id = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))

    private let client: RequestClient
    private let assembly: Assembly
    private let caller: Caller

    /// - Parameter command: Names the process in logs and at the broker.
    static func run<Result: Sendable>(_ command: String, _ body: (Shell) async throws -> Result) async throws -> Result {
        let (settings, logger) = try Role.start(command, isTool: true)
        let assembly = Assembly(settings: settings, logger: logger, name: command)
        let commands = try assembly.publisher(Assembly.ingress, confirms: true)
        let queries = try assembly.publisher(Assembly.ingress, confirms: true, for: "queries")
        let (client, parts) = try assembly.requestClient(Assembly.ingress, commands: commands, queries: queries)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            for service in [commands, queries] + parts { group.addTask { try await service.run() } }
            defer { group.cancelAll() }
            try await client.whenReady(within: timeout, clock: assembly.clock)
            return try await body(Shell(client: client, assembly: assembly, caller: Caller(id: id, role: .admin, email: user.map { "\($0) in a shell" })))
        }
    }

    func ask(_ operation: String, _ durability: Durability, _ parameters: [String: String] = [:], body: [UInt8] = []) async throws -> Reply {
        let request = Request(id: assembly.randomness.uuid(), operation: operation, parameters: parameters, caller: caller, body: body)
        return try await client.send(request, durability: durability, timeout: Self.timeout)
    }

    /// The operating system's account that started the command, for the record of its decisions.
    private static var user: String? { ProcessInfo.processInfo.environment["SUDO_USER"] ?? ProcessInfo.processInfo.environment["USER"] }
}

extension RequestClient {
    private static let readinessInterval: Duration = .milliseconds(20)

    /// Returns when requests can be sent.
    /// - Throws: `RequestClient.Unanswered` if that does not happen in time.
    fileprivate func whenReady(within limit: Duration, clock: any WallClock) async throws {
        let ready: Bool? = try await clock.within(limit) {
            while !(await self.canSend) { try await clock.sleep(for: Self.readinessInterval) }
            return true
        }
        guard ready == true else { throw Unanswered.refused("the broker cannot be reached") }
    }
}
