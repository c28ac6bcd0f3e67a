import TestKit
import Testing

@testable import LocalServers

@Suite(.timeLimit(.minutes(5))) struct PostgresServerTests {
    @Test func `it starts, serves, stops without a trace, and restarts with its data at the same address`() async throws {
        let folder = TestServers.folder("postgres")
        let first = try PostgresServer(folder: folder, durable: false)
        try await first.start()
        try await first.start()
        try await first.query("CREATE TABLE kept AS SELECT 42 AS answer", database: "wharf")
        let running = await processes(of: first.process)
        #expect(running.count > 1)
        await first.stop()
        #expect(!running.hasLiving)

        let second = try PostgresServer(folder: folder, durable: false)
        #expect(second.url == first.url)
        try await second.start()
        #expect(try await second.query("SELECT answer FROM kept", database: "wharf") == "42")
        await second.stop()
    }

    @Test func `it keeps committed data when it is killed`() async throws {
        let server = try PostgresServer(folder: TestServers.folder("postgres"), durable: true)
        try await server.start()
        for answer in 1...3 {
            try await server.query("CREATE TABLE kept\(answer) AS SELECT \(answer) AS answer")
            let running = await processes(of: server.process)
            await server.kill()
            #expect(!running.hasLiving)
            try await server.start()
            #expect(try await server.query("SELECT answer FROM kept\(answer)") == "\(answer)")
        }
        await server.stop()
    }

    @Test func `a second server over the same folder is rejected while the first one runs`() async throws {
        let folder = TestServers.folder("postgres")
        let first = try PostgresServer(folder: folder, durable: false)
        try await first.start()
        let second = try PostgresServer(folder: folder, durable: false)
        let error = await #expect(throws: LocalServerError.self) { try await second.start() }
        #expect(error?.code == .folder)
        await first.stop()
    }

    @Test func `a failed start reports the server's output and leaves no process`() async throws {
        let folder = TestServers.folder("postgres")
        let server = try PostgresServer(folder: folder, durable: false)
        try await server.start()
        await server.stop()
        try write("nonsense", to: folder + "/data/postgresql.conf")
        let error = await #expect(throws: LocalServerError.self) { try await server.start() }
        #expect(error?.code == .start)
        #expect(error?.message.contains("syntax error") == true)
        #expect(await !server.process.isRunning)
    }

    @Test func `a statement that fails is an error with PostgreSQL's words`() async throws {
        let server = try await TestServers.postgres()
        let error = await #expect(throws: LocalServerError.self) { try await server.query("SELECT 1/0") }
        #expect(error?.code == .tool)
        #expect(error?.message.contains("division by zero") == true)
    }

    @Test func `every test has a database of its own`() async throws {
        async let one = TestServers.freshDatabase()
        async let two = TestServers.freshDatabase()
        let urls = try await [one, two]
        #expect(urls[0] != urls[1])
        let server = try await TestServers.postgres()
        let name = try #require(urls[0].split(separator: "/").last)
        #expect(try await server.query("SELECT current_database()", database: String(name)) == name)
    }
}
