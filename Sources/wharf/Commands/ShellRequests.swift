import AMQP
import ArgumentParser
import Assembly
import Contracts
import FoundationEssentials
import Glibc
import Messaging
import Operations
import Operator
import Runtime
import ServiceLifecycle
import Terminal

/// Sends an operator's requests to the services as the ingress does, over one connection to the broker.
struct ShellRequests: Sendable {
    /// How long an operator waits for a reply.
    private static let timeout: Duration = .seconds(10)

    private let client: RequestClient
    private let randomness: any Randomness
    let clock: any WallClock

    /// Only once in a process, because it sets up logging.
    /// - Parameter name: The name of the command in logs.
    static func run<Result: Sendable>(_ name: String, _ body: @escaping @Sendable (ShellRequests) async throws -> Result) async throws -> Result {
        let (settings, logger) = try Role.start(name, isTool: true)
        let assembly = Assembly(settings: settings, logger: logger, name: name)
        let commands = try assembly.publisher(Assembly.ingress, confirms: true)
        let queries = try assembly.publisher(Assembly.ingress, confirms: true, for: "queries")
        let (client, parts) = try assembly.requestClient(Assembly.ingress, commands: commands, queries: queries)
        let requests = ShellRequests(client: client, randomness: assembly.randomness, clock: assembly.clock)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            for service in [commands, queries] + parts { group.addTask { try await service.run() } }
            defer { group.cancelAll() }
            try await client.whenReady(within: timeout, clock: requests.clock)
            return try await body(requests)
        }
    }

    /// - Parameter id: The id of an earlier attempt at the same request; otherwise a new one.
    /// - Throws: `RequestClient.Unanswered`
    func reply(
        _ operation: String, _ durability: Durability, _ parameters: [String: String] = [:], body: [UInt8] = [], id: UUID? = nil
    ) async throws -> Reply {
        let request = Request(id: id ?? randomness.uuid(), operation: operation, parameters: parameters, caller: Self.caller, body: body)
        return try await client.send(request, durability: durability, timeout: Self.timeout)
    }

    func newID() -> UUID { randomness.uuid() }

    /// The actor in the audit log: an administrator without an account, under the name of the person at the shell, who may have become root by sudo.
    private static var caller: Caller {
        Caller(id: Caller.withoutAccount, role: .admin, email: "\(person) in a shell")
    }

    /// The name of the user at the shell. If the environment does not name one, as under cron, the name of the account that runs the command.
    static var person: String {
        let environment = ProcessInfo.processInfo.environment
        if let name = environment["SUDO_USER"] ?? environment["USER"] ?? environment["LOGNAME"], !name.isEmpty { return name }
        if let name = unsafe getpwuid(geteuid())?.pointee.pw_name { return unsafe String(cString: name) }
        return "user \(geteuid())"
    }
}

extension ShellRequests: OperatorRequests {
    func send(_ operation: String, _ durability: Durability, _ parameters: [String: String], _ body: [UInt8]) async throws -> Reply {
        try await reply(operation, durability, parameters, body: body)
    }
}

extension Reply {
    /// Prints a refusal, and ends with exit status 1.
    func checked() throws -> Reply {
        guard status < 300 else {
            Console.print(String(decoding: body, as: UTF8.self) + "\n")
            throw ExitCode(1)
        }
        return self
    }
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
