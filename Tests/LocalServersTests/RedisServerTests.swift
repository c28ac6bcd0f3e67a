import TestKit
import Testing

@testable import LocalServers

@Suite(.timeLimit(.minutes(3))) struct RedisServerTests {
    private func redis(_ server: RedisServer, _ arguments: String...) async throws -> String {
        let password = server.url.dropFirst("redis://:".count).prefix { $0 != "@" }
        return try await Tool.run(
            ProcessCommand(
                "/usr/bin/redis-cli", ["-p", "\(server.port)"] + arguments, environment: ["REDISCLI_AUTH": String(password)])
        ).trimmingNewlines
    }

    @Test func `it starts, serves, stops without a trace, and restarts with its data`() async throws {
        let server = try RedisServer(folder: TestServers.folder("redis"))
        try await server.start()
        #expect(try await redis(server, "SET", "kept", "42") == "OK")
        let running = await processes(of: server.process)
        #expect(running.count == 1)
        await server.stop()
        #expect(!running.hasLiving)
        try await server.start()
        #expect(try await redis(server, "GET", "kept") == "42")
        await server.stop()
    }

    @Test func `it restarts after it was killed`() async throws {
        let server = try RedisServer(folder: TestServers.folder("redis"), durable: false)
        try await server.start()
        await server.kill()
        try await server.start()
        #expect(try await redis(server, "PING") == "PONG")
        await server.stop()
    }

    @Test func `it rejects clients without the password`() async throws {
        let server = try await TestServers.redis()
        let answer = try await Tool.run(ProcessCommand("/usr/bin/redis-cli", ["-p", "\(server.port)", "PING"]))
        #expect(answer.contains("NOAUTH"))
    }
}
