import Foundation
import Logging
import Redis
import TestKit
import Testing

let testLogger = Logger(label: "redis-tests")

/// The suites that start a server take turns: starting one takes a core, which would distort the timing tests.
@Suite(.serialized, .timeLimit(.minutes(2))) enum Wire {}

/// A private Redis without persistence, on a port of its own that it keeps when it is started again.
final class RedisServer {
    /// The shell ends the server when its own input is closed: when the tests end, however they end.
    private static let script = """
        redis-server "$@" & server=$!
        echo "pid $server"
        cat > /dev/null
        kill -9 $server
        """

    private static let attempts = 20

    let port: Int
    private let password: String?
    /// The certificate that proves `localhost`, for a server that speaks TLS alone.
    private let identity: TLSIdentity?
    private var shell = Process()
    private var input = Pipe()
    private var pid: pid_t = 0

    init(password: String? = nil, identity: TLSIdentity? = nil) async throws {
        self.password = password
        self.identity = identity
        for _ in 0..<Self.attempts {
            // Below the ports that the system gives to outgoing connections.
            let candidate = Int.random(in: 20_000..<32_000)
            if let started = try await blocking({ try Self.launch(port: candidate, password: password, identity) }) {
                port = candidate
                (shell, input, pid) = started
                return
            }
        }
        port = 0
        throw RedisServerError.notStarted
    }

    deinit {
        end()
    }

    var url: String { "redis://\(password.map { ":\($0)@" } ?? "")127.0.0.1:\(port)" }

    func client(maximumInFlight: Int = 2000, commandTimeout: Duration = .seconds(10)) throws -> RedisClient {
        try RedisClient(url: url, maximumInFlight: maximumInFlight, commandTimeout: commandTimeout, logger: testLogger)
    }

    /// Stops answering, its connections left open.
    func freeze() { kill(pid, SIGSTOP) }
    func thaw() { kill(pid, SIGCONT) }

    /// Ends at once, without closing its connections in order.
    func crash() { kill(pid, SIGKILL) }

    func restart() async throws {
        end()
        let (port, password, identity) = (port, password, identity)
        guard let started = try await blocking({ try Self.launch(port: port, password: password, identity) }) else { throw RedisServerError.notStarted }
        (shell, input, pid) = started
    }

    private func end() {
        try? input.fileHandleForWriting.close()
        if shell.isRunning { shell.waitUntilExit() }
    }

    /// Nil when the server ends before it accepts connections: the port is taken.
    private static func launch(port: Int, password: String?, _ identity: TLSIdentity?) throws -> (Process, Pipe, pid_t)? {
        let shell = Process()
        let input = Pipe()
        let output = Pipe()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments =
            ["-c", script, "redis", "--port", identity == nil ? String(port) : "0", "--bind", "127.0.0.1", "--save", "", "--dir", "/tmp"]
            + (password.map { ["--requirepass", $0] } ?? [])
            + (identity.map { identity in
                ["--tls-port", String(port), "--tls-cert-file", identity.certificate, "--tls-key-file", identity.key, "--tls-auth-clients", "no"]
            } ?? [])
        shell.standardInput = input
        shell.standardOutput = output
        try shell.run()

        var log = ""
        while !log.contains("Ready to accept connections") {
            let more = output.fileHandleForReading.availableData
            log += String(decoding: more, as: UTF8.self)
            if more.isEmpty || log.contains("Failed listening") {
                try? input.fileHandleForWriting.close()
                shell.waitUntilExit()
                return nil
            }
        }
        let words = log.split(whereSeparator: \.isWhitespace)
        guard let mark = words.firstIndex(of: "pid"), let pid = pid_t(words[mark + 1]) else { return nil }
        return (shell, input, pid)
    }
}

enum RedisServerError: Error {
    case notStarted
}

/// Repeats a command until it succeeds: the client reconnects in its own time, at most every two seconds.
func eventually(_ client: RedisClient, _ arguments: [String], within time: Duration = .seconds(60)) async throws -> RedisValue {
    let deadline = ContinuousClock.now + time
    while true {
        do {
            return try await client.command(arguments)
        } catch {
            guard ContinuousClock.now < deadline else { throw error }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}

func failure(_ client: RedisClient, _ arguments: [String]) async -> RedisError? {
    await #expect(throws: RedisError.self) { try await client.command(arguments) }
}
