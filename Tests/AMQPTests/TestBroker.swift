import Foundation
import Glibc
import LocalServers
import Testing

@testable import AMQP

/// A private RabbitMQ, shared by all tests of this process and ended with it.
final class TestBroker: Sendable {
    let port: Int
    let tlsPort: Int
    let folder: String
    private let environment: [String: String]
    private let process: Process

    static let shared = Task { try await TestBroker() }

    static let startDeadline: Duration = .seconds(180)

    private init() async throws {
        folder = NSTemporaryDirectory() + "amqp-tests-\(getpid())"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let ports = try (0..<4).map { _ in try FreePorts.next() }
        (port, tlsPort) = (ports[0], ports[1])
        environment = [
            "PATH": "/usr/lib/rabbitmq/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": folder, "LANG": "C.UTF-8",
            "RABBITMQ_NODENAME": "amqp-tests-\(getpid())@localhost", "RABBITMQ_CONFIG_FILE": "\(folder)/rabbitmq.conf",
            "RABBITMQ_MNESIA_BASE": "\(folder)/data", "RABBITMQ_LOG_BASE": "\(folder)/log",
            "RABBITMQ_ENABLED_PLUGINS_FILE": "\(folder)/plugins", "RABBITMQ_PID_FILE": "\(folder)/pid",
            "RABBITMQ_DIST_PORT": "\(ports[2])", "ERL_EPMD_PORT": "\(ports[3])", "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none",
        ]
        try Data("[].".utf8).write(to: URL(filePath: folder + "/plugins"))
        try Data(
            """
            listeners.tcp.1 = 127.0.0.1:\(port)
            listeners.ssl.1 = 127.0.0.1:\(tlsPort)
            ssl_options.cacertfile = \(folder)/ca.pem
            ssl_options.certfile = \(folder)/server.pem
            ssl_options.keyfile = \(folder)/server.key
            ssl_options.verify = verify_none
            """.utf8
        ).write(to: URL(filePath: folder + "/rabbitmq.conf"))
        // The shell ends the broker when its input ends, which is when this process does, however it ends.
        process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.environment = environment
        process.arguments = ["-c", Self.script]
        process.currentDirectoryURL = URL(filePath: folder)
        process.standardInput = Pipe()
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        try await eventually("the broker accepts connections", within: Self.startDeadline) {
            (try? await Topology(self.configuration)) != nil
        }
    }

    private static let script = """
        set -e
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=tests -keyout ca.key -out ca.pem
        openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr
        printf 'subjectAltName=DNS:localhost' > extensions
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out server.pem
        set +e
        exec 3<&0
        epmd -port "$ERL_EPMD_PORT" -address "$ERL_EPMD_ADDRESS" </dev/null 3<&- &
        epmd=$!
        rabbitmq-server </dev/null 3<&- &
        cat <&3 >/dev/null
        kill -KILL "$(cat "$RABBITMQ_PID_FILE")" $epmd
        rm -rf "$HOME"
        """

    var configuration: AMQPConfiguration {
        get throws { try AMQPConfiguration(url: "amqp://guest:guest@127.0.0.1:\(port)/", connectionName: "tests") }
    }

    func tlsConfiguration(host: String = "localhost", query: String) throws -> AMQPConfiguration {
        try AMQPConfiguration(url: "amqps://guest:guest@\(host):\(tlsPort)/?\(query)", connectionName: "tests")
    }

    /// The Erlang process.
    var pid: pid_t {
        get throws {
            let text = try String(contentsOfFile: folder + "/pid", encoding: .utf8)
            return try #require(pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        }
    }

    /// Runs rabbitmqctl; its failure is the test's.
    func control(_ arguments: String...) async throws {
        let control = Process()
        control.executableURL = URL(filePath: "/usr/lib/rabbitmq/bin/rabbitmqctl")
        control.environment = environment
        control.arguments = ["--quiet"] + arguments
        let output = Pipe()
        control.standardOutput = output
        control.standardError = output
        let status = try await withCheckedThrowingContinuation { continuation in
            control.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try control.run() } catch { continuation.resume(throwing: error) }
        }
        let text = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        try #require(status == 0, "rabbitmqctl \(arguments): \(text)")
    }

    /// Stops the broker's process for as long as `body` runs.
    func frozen<Result>(_ body: () async throws -> Result) async throws -> Result {
        let pid = try pid
        kill(pid, SIGSTOP)
        defer { kill(pid, SIGCONT) }
        // The signal takes a moment to reach all threads.
        try await eventually("the broker stands still") {
            let threads = "/proc/\(pid)/task"
            return try FileManager.default.contentsOfDirectory(atPath: threads).allSatisfy { thread in
                try String(contentsOfFile: "\(threads)/\(thread)/stat", encoding: .utf8).contains(") T ")
            }
        }
        return try await body()
    }
}

/// Asks again, every few milliseconds, until `condition` holds; past `deadline` the test fails.
func eventually(
    _ what: @autoclosure () -> String, within deadline: Duration = .seconds(60), _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + deadline
    while try await !condition() {
        try #require(ContinuousClock.now < end, "not within \(deadline): \(what())")
        try await Task.sleep(for: .milliseconds(5))
    }
}
