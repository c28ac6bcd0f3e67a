import FoundationEssentials
import Glibc
import LocalServers
import LocalState
import Terminal
import Up

/// Another host for the servers: a network namespace on this machine, behind a tunnel that delays each packet as a distance would (`bench/tunnel.c`). The
/// namespace lasts as long as its processes, which end with this one. Needs root.
actor FarHost {
    /// Reserved for network benchmarks (RFC 2544), so no machine has these addresses.
    private static let nearAddress = "198.18.0.1"
    private static let address = "198.18.0.2"
    private static let nearDevice = "wharf-near"
    private static let device = "wharf-far"
    private static let startLimit = Duration.seconds(120)
    private static let toolLimit = Duration.seconds(60)
    private static let grace = Duration.seconds(60)
    private static let pollPause = Duration.milliseconds(20)

    private let folder: BenchFolder
    /// `wharf-dev`.
    private let executable: String
    private let path: String
    /// Started in this order, stopped in reverse order.
    private var processes: [ManagedProcess] = []

    init(_ folder: BenchFolder) throws {
        self.folder = folder
        executable = try Executables().wharfDev
        path = folder.file("far")
    }

    /// Compiles the tunnel's program, once for all measurements.
    /// - Throws: ``BenchError`` with code `failed` if this account is not root.
    static func compile(in folder: BenchFolder) async throws {
        guard geteuid() == 0 else {
            throw BenchError(.failed, "The case distance needs root: it creates a network namespace and TUN devices.")
        }
        _ = try await Program(name: "cc", arguments: ["-O2", "-o", folder.file("tunnel"), "\(folder.programs)/tunnel.c"]).run(within: toolLimit)
    }

    /// Starts RabbitMQ, PostgreSQL and Redis on the other host, without data.
    /// - Parameter milliseconds: How long each packet travels, in either direction.
    /// - Returns: the settings for connecting to the servers.
    func start(milliseconds: Int) async throws -> [String: String] {
        let holder = try await begin("unshare", ["--net", "sleep", "infinity"])
        guard let pid = await holder.pid else { throw BenchError(.failed, "The process that holds the network namespace ended at once.") }
        try await wait("The network namespace") { await holder.isRunning && Self.namespace(of: pid) != Self.namespace(of: getpid()) }
        let cable = LineStore()
        let tunnel = try await begin(folder.file("tunnel"), [Self.nearDevice, Self.device, "\(milliseconds * 1_000)"], printed: cable)
        try await wait("The tunnel") {
            guard await tunnel.isRunning else { throw BenchError(.failed, "The tunnel cannot be created: \(cable.last(1).first ?? "")") }
            return cable.last(1) == ["ready"]
        }
        let entering = ["nsenter", "--net=/proc/\(pid)/ns/net"]
        try await run(["ip", "link", "set", Self.device, "netns", "\(pid)"])
        try await run(["ip", "address", "add", "\(Self.nearAddress)/30", "dev", Self.nearDevice])
        try await run(["ip", "link", "set", Self.nearDevice, "up"])
        try await run(entering + ["ip", "link", "set", "lo", "up"])
        try await run(entering + ["ip", "address", "add", "\(Self.address)/30", "dev", Self.device])
        try await run(entering + ["ip", "link", "set", Self.device, "up"])
        return try await startServers(entering)
    }

    private func startServers(_ entering: [String]) async throws -> [String: String] {
        try? FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        // PostgreSQL runs as another account, which must be able to enter this folder.
        try FileManager.default.setAttributes([.posixPermissions: 0o711], ofItemAtPath: path)
        let printed = LineStore()
        let servers = try await begin(entering[0], Array(entering.dropFirst()) + [executable, "servers", "--listen", Self.address], printed: printed, workingFolder: path)
        let state = StateFolder(path: "\(path)/\(StateFolder.name)")
        try await wait("The servers") {
            guard await servers.isRunning else { throw BenchError(.failed, "The servers ended while they started:\n\(printed.last(10).joined(separator: "\n"))") }
            return FileManager.default.fileExists(atPath: state.file(StateFolder.serversFile))
        }
        guard var settings: [String: String] = try state.read(from: StateFolder.serversFile) else { throw BenchError(.failed, "The servers wrote no settings.") }
        // Without TLS, because the tunnel leads nowhere else.
        settings["WHARF_INSECURE_HOSTS"] = Self.address
        settings[ServerURLs.postgresVariable, default: ""] += "?sslmode=disable"
        return settings
    }

    /// Ends everything that was started, and removes the servers' data. Does nothing when nothing runs.
    func stop() async {
        while let process = processes.popLast() { await process.stop(grace: Self.grace) }
        try? FileManager.default.removeItem(atPath: path)
    }

    private func begin(_ program: String, _ arguments: [String], printed: LineStore = LineStore(), workingFolder: String? = nil) async throws -> ManagedProcess {
        let process = ManagedProcess(
            name: program, command: ProcessCommand("/usr/bin/env", [program] + arguments, inheritsEnvironment: false, workingFolder: workingFolder),
            output: .lines { printed.add($0) })
        try await process.start()
        processes.append(process)
        return process
    }

    private func run(_ words: [String]) async throws {
        _ = try await Program(name: words[0], arguments: Array(words.dropFirst())).run(within: Self.toolLimit)
    }

    private func wait(_ what: String, until isReady: @escaping @Sendable () async throws -> Bool) async throws {
        guard try await poll(every: Self.pollPause, within: Self.startLimit, until: isReady) else {
            throw BenchError(.deadline, "\(what) was not ready within \(Self.startLimit.inSeconds).")
        }
    }

    private static func namespace(of pid: Int32) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/ns/net")
    }
}
