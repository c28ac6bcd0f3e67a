import TestKit
import Testing

@testable import LocalServers

@Suite(.timeLimit(.minutes(10))) struct RabbitMQServerTests {
    private static let definitions = """
        {"vhosts": [{"name": "/"}],
         "queues": [{"name": "kept", "vhost": "/", "durable": true, "auto_delete": false, "arguments": {"x-queue-type": "quorum"}}]}
        """

    @Test func `it starts with its definitions, serves, stops without a trace, and restarts with its data`() async throws {
        let folder = TestServers.folder("rabbitmq")
        let file = folder + ".definitions.json"
        try write(Self.definitions, to: file)
        let first = try RabbitMQServer(folder: folder, definitions: file, prometheus: true)
        try await first.start()
        #expect(try await first.management.send("GET", "/api/queues/%2F/kept").contains("quorum"))
        #expect(try await first.createVirtualHost("more") == first.url + "more")
        let metrics = try #require(first.metricsURL)
        #expect(try await Tool.run(ProcessCommand("/usr/bin/curl", ["-sf", "--noproxy", "*", metrics])).contains("rabbitmq_build_info"))
        let running = await processes(of: first.process)
        #expect(running.count > 1)
        await first.stop()
        #expect(!running.hasLiving)

        let second = try RabbitMQServer(folder: folder)
        #expect(second.url == first.url)
        try await second.start()
        #expect(try await second.management.send("GET", "/api/queues/%2F/kept").contains("quorum"))
        #expect(try await second.management.send("GET", "/api/vhosts").contains("more"))
        await second.kill()
        try await second.start()
        #expect(try await second.management.send("GET", "/api/vhosts").contains("more"))
        await second.kill()
    }

    @Test func `its broker stops and starts within its node, and rabbitmqctl reaches it`() async throws {
        let server = try RabbitMQServer(folder: TestServers.folder("rabbitmq"))
        try await server.start()
        try await server.stopApp()
        #expect(FreePorts.isFree(server.port))
        // These words identify a starved node, which is then asked again.
        let stopped = await #expect(throws: LocalServerError.self) { try await server.ctl(["list_vhosts"]) }
        #expect(stopped?.message.contains(RabbitMQServer.denial) == true)
        try await server.startApp()
        #expect(!FreePorts.isFree(server.port))
        #expect(try await server.ctl(["list_vhosts", "--silent"]).contains("/"))
        let error = await #expect(throws: LocalServerError.self) { try await server.ctl(["no_such_command"]) }
        #expect(error?.code == .tool)
        await server.kill()
    }

    @Test func `definitions that RabbitMQ rejects stop the start with its reason`() async throws {
        let folder = TestServers.folder("rabbitmq")
        let queue = #"{"name": "lost", "vhost": "nowhere", "durable": true, "auto_delete": false, "arguments": {}}"#
        try write(#"{"queues": [\#(queue)]}"#, to: folder + ".json")
        let server = try RabbitMQServer(folder: folder, definitions: folder + ".json")
        let error = await #expect(throws: LocalServerError.self) { try await server.start() }
        #expect(error?.message.contains("/api/definitions") == true)
        #expect(await !server.process.isRunning)
    }

    @Test func `every test has a virtual host of its own`() async throws {
        let urls = [try await TestServers.freshVirtualHost(), try await TestServers.freshVirtualHost()]
        #expect(urls[0] != urls[1])
        let name = try #require(urls[0].split(separator: "/").last)
        #expect(try await TestServers.rabbitMQ().management.send("GET", "/api/vhosts/\(name)/permissions").contains("admin"))
    }
}
