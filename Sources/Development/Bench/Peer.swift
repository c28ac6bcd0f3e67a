import FoundationEssentials
import LocalServers
import LocalState
import Logging
import Terminal
import Up
import WebClient

/// The same pipeline written in Python, where its folder lies beside the project: on the shop's own servers, in a virtual host and a database of its own.
actor Peer {
    /// Packages and what they need.
    private static let installLimit = Duration.seconds(600)
    private static let setupLimit = Duration.seconds(60)
    private static let startLimit = Duration.seconds(60)
    private static let grace = Duration.seconds(15)
    private static let pollPause = Duration.milliseconds(50)
    private static let name = "peer"
    /// Debian's own is built with optimisations that others leave out.
    private static let python = "/usr/bin/python3"

    /// With `peer.py` and `load.py` in it.
    nonisolated let folder: String
    /// Kept between runs.
    private let environmentFolder: String
    nonisolated let url: String
    private let port: Int
    private let gatewayPort: Int
    private var process: ManagedProcess?

    /// - Parameter folder: nil where there is none at this path.
    init?(_ folder: String, for owner: BenchFolder) throws {
        let path = URL(filePath: folder).path()
        guard FileManager.default.fileExists(atPath: "\(path)/peer.py") else { return nil }
        self.folder = path
        environmentFolder = "\(FileManager.default.currentDirectoryPath)/.build/\(Self.name)"
        port = try FreePorts.next(for: owner.path)
        gatewayPort = try FreePorts.next(for: owner.path)
        url = "http://127.0.0.1:\(port)"
    }

    /// The interpreter that has the packages.
    nonisolated var interpreter: String { "\(environmentFolder)/bin/python" }

    /// Installs what it needs once, and starts it empty.
    func start(on shop: RunningShop) async throws {
        await stop()
        if !FileManager.default.fileExists(atPath: "\(environmentFolder)/installed") { try await install() }
        let environment = try variables(shop)
        _ = try await Program(name: interpreter, arguments: ["\(folder)/peer.py", "setup"], environment: environment, workingFolder: folder)
            .run(within: Self.setupLimit)
        let printed = LineStore()
        let process = ManagedProcess(
            name: Self.name,
            command: ProcessCommand(
                interpreter, ["\(folder)/peer.py", "up", "--shared", "1", "--stub", "--port", "\(port)"], environment: environment,
                inheritsEnvironment: false, workingFolder: folder),
            output: .lines { printed.add($0) })
        self.process = process
        try await process.start()
        let seed = ["seed", "--direct", environment["PEER_POSTGRES", default: ""]]
        _ = try await load(seed, environment)
        let client = WebClient(userAgent: "wharf-bench", logger: Logger(label: "wharf-dev bench") { _ in SwiftLogNoOpLogHandler() })
        defer { client.shutdown() }
        let isReady = try await poll(every: Self.pollPause, within: Self.startLimit) { [url] in
            guard await process.isRunning else {
                throw BenchError(.failed, "The peer ended while it started:\n\(printed.last(10).joined(separator: "\n"))")
            }
            return (try? await client.send(WebRequest(url: "\(url)/v1/products?limit=1")))?.isSuccess ?? false
        }
        guard isReady else { throw BenchError(.deadline, "The peer was not ready within \(Self.startLimit.inSeconds).") }
    }

    /// Does nothing when nothing runs.
    func stop() async {
        await process?.stop(grace: Self.grace)
        process = nil
    }

    /// Runs the peer's load generator, which knows the HTTP contract only and so measures either of the two.
    nonisolated func load(_ arguments: [String], _ environment: [String: String] = [:], limit: Duration = .seconds(180)) async throws -> [String] {
        // Arguments can be read by every user of the machine, and some hold passwords.
        let script = """
            import os, runpy, sys
            sys.argv = ['load.py'] + os.environ['LOAD_ARGUMENTS'].split('\\n')
            runpy.run_path(os.environ['LOAD_SCRIPT'], run_name='__main__')
            """
        var environment = environment
        environment["LOAD_ARGUMENTS"] = arguments.joined(separator: "\n")
        environment["LOAD_SCRIPT"] = "\(folder)/load.py"
        return try await Program(name: interpreter, arguments: ["-c", script], environment: environment).run(within: limit)
    }

    private func install() async throws {
        let settings = ProcessInfo.processInfo.environment.filter { name, _ in
            name.hasPrefix("PIP_") || ["HOME", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"].contains(name)
        }
        _ = try await Program(name: Self.python, arguments: ["-m", "venv", environmentFolder]).run(within: Self.setupLimit)
        _ = try await Program(
            name: interpreter, arguments: ["-m", "pip", "install", "--quiet", "--requirement", "\(folder)/requirements.txt"], environment: settings
        ).run(within: Self.installLimit)
        try Data().write(to: URL(filePath: "\(environmentFolder)/installed"))
    }

    private func variables(_ shop: RunningShop) throws -> [String: String] {
        let broker = try ServerAddress(shop.environment[ServerURLs.amqpVariable, default: ""])
        let database = try ServerAddress(shop.environment[ServerURLs.postgresVariable, default: ""])
        return [
            "PEER_AMQP": "amqp://\(broker.user):\(broker.password)@\(broker.host):\(broker.port)/\(Self.name)",
            "PEER_POSTGRES": "postgresql://\(database.user):\(database.password)@\(database.host):\(database.port)/\(Self.name)",
            "PEER_MANAGEMENT": shop.environment[ServerURLs.managementVariable, default: ""],
            "PEER_STRIPE": "http://127.0.0.1:\(gatewayPort)",
        ]
    }
}
