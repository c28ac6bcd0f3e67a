import ArgumentParser
import Assembly
import Operations
import WebClient

struct HealthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health",
        abstract: "Asks the role at WHARF_ADMIN_ADDRESS whether it is ready; exit status 1 when it is not.")

    @Flag(
        name: .customLong("startup"),
        help: "Check only that the role answers and has been ready at least once. For engines that replace a process whose check fails: a new one cannot restore a dependency.")
    var sinceStartup = false

    /// Container engines allow a check a few seconds.
    private static let timeout: Duration = .seconds(3)

    func run() async throws {
        let (settings, logger) = try Role.start("health", isTool: true)
        let client = WebClient(logger: logger)
        defer { client.shutdown() }
        let request = WebRequest(url: "http://\(settings.adminAddress)\(sinceStartup ? "/startupz" : "/readyz")", timeout: Self.timeout)
        do {
            let response = try await client.send(request)
            print(String(decoding: response.body, as: UTF8.self))
            if !response.isSuccess { throw ExitCode(1) }
        } catch let error as WebClientError {
            Role.complain(error.message)
            throw ExitCode(1)
        }
    }
}
