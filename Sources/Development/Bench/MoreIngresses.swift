import FoundationEssentials
import LocalServers
import LocalState
import Terminal
import Up
import WebClient

/// Ingress processes in addition to that of `wharf-dev up`, started in its folder and therefore with its settings.
struct MoreIngresses: Sendable {
    private static let readyLimit = Duration.seconds(60)
    private static let readyPause = Duration.milliseconds(50)

    private let processes: [(process: ManagedProcess, url: String)]
    private let transport: any HTTPTransport

    init(_ count: Int, in folder: BenchFolder, transport: any HTTPTransport) throws {
        let executable = try Executables().wharf
        processes = try (0..<count).map { number in
            let address = "127.0.0.1:\(try FreePorts.next(for: folder.path))"
            let name = "ingress-\(number + 2)"
            let process = ManagedProcess(
                name: name,
                command: ProcessCommand(
                    executable, ["ingress"], environment: ["WHARF_HTTP_ADDRESS": address, "WHARF_ADMIN_ADDRESS": "127.0.0.1:0", "LOG_FORMAT": "text"], inheritsEnvironment: false,
                    workingFolder: folder.path),
                output: .file(folder.file("\(name).log")))
            return (process, "http://\(address)")
        }
        self.transport = transport
    }

    /// Starts them, and returns when all of them answer.
    func start() async throws -> [(pid: Int32, url: String)] {
        var started: [(pid: Int32, url: String)] = []
        for (process, url) in processes {
            try await process.start()
            let isReady = try await poll(every: Self.readyPause, within: Self.readyLimit) {
                guard await process.isRunning else { throw BenchError(.failed, "\(process.name) ended while it started.") }
                return (try? await transport.send(WebRequest(url: "\(url)/readyz")).isSuccess) ?? false
            }
            guard isReady, let pid = await process.pid else { throw BenchError(.deadline, "\(process.name) was not ready within \(Self.readyLimit.inSeconds).") }
            started.append((pid, url))
        }
        return started
    }

    func stop() async {
        for (process, _) in processes { await process.stop() }
    }
}
