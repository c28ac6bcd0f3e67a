import ArgumentParser
import Assembly
import FoundationEssentials
import Glibc
import LocalServers
import LocalState
import Logging
import Terminal

/// Only the servers, for roles on another host.
package struct ServersCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "servers",
        abstract: "Starts only RabbitMQ, PostgreSQL and Redis, for wharf-dev up --external on another host.",
        discussion: """
            Keeps their data in .wharf/ of the working folder, as wharf-dev up does, and runs until Ctrl-C. While they run, .wharf/\(StateFolder.serversFile) contains the \
            settings for connecting to them, including the administrators' passwords.
            """)

    @Option(help: "An address of this host on which the servers listen, besides 127.0.0.1.")
    var listen = LocalAddress.loopback

    package init() {}

    package func run() async throws {
        let console = Console(terminal: Terminal(environment: ProcessInfo.processInfo.environment))
        let logger = Logger(label: "wharf-dev servers") { _ in ConsoleLogHandler(console) }
        try await Up.owningState(console) { folder in
            let servers = try Servers(folder, host: listen, logger: logger)
            return { try await live(servers, folder, console) }
        }
    }

    private func live(_ servers: Servers, _ folder: StateFolder, _ console: Console) async throws {
        let parts: [(name: String, server: any LocalServer)] = [("RabbitMQ", servers.rabbitMQ), ("PostgreSQL", servers.postgres), ("Redis", servers.redis)]
        do {
            try await console.progress(parts.map(\.name)) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for (name, server) in parts {
                        group.addTask {
                            try await console.part(name) {
                                try await server.start()
                                return ServerURLs.withoutCredentials(server.url)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            try folder.write(servers.urls.settings, to: StateFolder.serversFile)
            console.line("The settings for connecting to them are in \(folder.file(StateFolder.serversFile)).")
            try await UpRun.untilCancelled()
        } catch {
            // Not a child task: it would inherit the cancellation.
            await Task {
                folder.remove(StateFolder.serversFile)
                for (_, server) in parts { await server.stop() }
            }.value
            throw error
        }
    }
}
