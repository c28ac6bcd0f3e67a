import LocalServers
import TestKit
import Testing

@testable import PostgreSQL

/// Which server of a URL a pool uses, and how it connects to it.
@Suite(.timeLimit(.minutes(5))) struct ServerTests {
    // MARK: TLS

    private func parameters(_ url: String, allowed: Set<String> = []) throws -> [[String: String]] {
        let settings = try ConnectionSettings(
            url: url, access: .readWrite, allowsPlainText: allowed.contains, applicationName: "test",
            session: Session(schema: nil, keepsToIndexes: false, timeouts: .standard, statementTimeout: nil),
            connectTimeout: .seconds(1), responseTimeout: .seconds(1), statementCacheSize: 1)
        return settings.servers.map { Dictionary($0.parameters) { $1 } }
    }

    @Test(arguments: ["postgres://u:p@db.example/x", "postgres://u:p@10.0.0.7/x", "postgres:///x?host=localhost&hostaddr=10.0.0.7", "postgres://u@127.1/x"])
    func `connections to another machine use TLS, and it must prove its identity`(url: String) throws {
        let server = try #require(try parameters(url).first)
        #expect(server["sslmode"] == "verify-full")
        #expect(server["sslrootcert"] == ConnectionSettings.systemAuthorities)
    }

    @Test(arguments: ["postgres://u:p@localhost/x", "postgres://u:p@127.0.0.1:5433/x", "postgres://u@[::1]/x", "postgres:///x?host=/run/postgresql"])
    func `this machine needs no TLS`(url: String) throws {
        #expect(try parameters(url).map { $0["sslmode"] } == [nil])
    }

    @Test(arguments: ["disable", "prefer", "require", "verify-ca"])
    func `the URL's own TLS settings take precedence`(mode: String) throws {
        let server = try #require(try parameters("postgres://u@db.example/x?sslmode=\(mode)&sslrootcert=/own.pem").first)
        #expect(server["sslmode"] == mode)
        #expect(server["sslrootcert"] == "/own.pem")
    }

    @Test func `each host of a URL is judged by itself, and a named host may go without TLS`() throws {
        let servers = try parameters("postgres://u@localhost:1,db.example:2,postgres:3/x?sslrootcert=/own.pem", allowed: ["postgres"])
        #expect(servers.map { $0["host"] } == ["localhost", "db.example", "postgres"])
        #expect(servers.map { $0["port"] } == ["1", "2", "3"])
        #expect(servers.map { $0["sslmode"] } == [nil, "verify-full", nil])
        #expect(servers[1]["sslrootcert"] == "/own.pem")
    }

    @Test func `another machine without TLS is refused, unless its host is named`() async throws {
        // Another spelling of this machine's address, which counts as another machine.
        let url = try await TestServers.freshDatabase().replacing("127.0.0.1", with: "127.1")
        let strict = try PostgresPool(url: url, size: 1, logger: quiet)
        let error = await postgresError { try await strict.query("SELECT 1") }
        #expect(error?.code == .connection)
        #expect(error?.message.contains("SSL") == true)
        let named = try PostgresPool(url: url, allowsPlainText: { $0 == "127.1" }, size: 1, logger: quiet)
        #expect(try await named.value("SELECT 1", as: Int.self) == 1)
        await strict.close()
        await named.close()
    }

    // MARK: Several servers

    @Test func `a URL may have as many ports as hosts, or one for all`() throws {
        #expect(try parameters("postgres://u@/x?host=localhost,127.0.0.1&port=7").map { $0["port"] } == ["7", "7"])
        #expect(throws: PostgresError.self) { try parameters("postgres://u@/x?host=localhost,127.0.0.1,localhost&port=7,8") }
    }

    @Test func `all servers are tried for a standby before another one is used`() throws {
        let servers = try parameters("postgres://u@localhost:1,localhost:2/x?target_session_attrs=prefer-standby")
        #expect(servers.map { $0["target_session_attrs"] } == ["standby", "standby", "any", "any"])
        #expect(servers.map { $0["port"] } == ["1", "2", "1", "2"])
    }

    @Test func `a server that is down or does not answer is skipped, each after the connect timeout`() async throws {
        let silent = try SilentServer()
        let folder = try await TestServer.url().split(separator: "host=").last ?? ""
        let pool = try PostgresPool(
            url: "postgresql:///postgres?user=postgres&host=127.0.0.1,127.0.0.1,\(folder)&port=1,\(silent.port),5432", size: 2,
            connectTimeout: .seconds(2), logger: quiet)
        #expect(try await pool.value("SELECT 1", as: Int.self) == 1)
        await pool.close()
    }

    @Test func `a pool that writes uses the server that accepts writes, and finds it after a switchover`() async throws {
        let (one, two) = (try await Switchable.start(), try await Switchable.start())
        for server in [one, two] { try await server.query("CREATE TABLE marks (n bigint)") }
        try await two.setReadOnly(true)
        let url = "postgres://postgres:\(Switchable.password)@127.0.0.1:\(two.port),127.0.0.1:\(one.port)/postgres"
        let pool = try PostgresPool(url: url, size: 3, logger: quiet)
        let reader = try PostgresPool(url: url, access: .read, size: 1, logger: quiet)
        // All connections are open and idle.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<9 { group.addTask { try await mark(pool) } }
            try await group.waitForAll()
        }
        #expect(try await one.query("SELECT count(*) FROM marks") == "9")
        #expect(try await reader.value("SELECT 1", as: Int.self) == 1)

        try await one.setReadOnly(true)
        try await two.setReadOnly(false)
        // One fails on the connection that it gets, and every further one finds the other server.
        var failures = 0
        for _ in 0..<9 {
            guard let error = await postgresError({ try await mark(pool) }) else { continue }
            failures += 1
            #expect(error.isTransient)
        }
        #expect(failures <= 1)
        #expect(try await two.query("SELECT count(*) FROM marks") == "\(9 - failures)")

        try await two.setReadOnly(true)
        try await eventually { await postgresError { try await mark(pool) }?.code == .connection }
        #expect(try await reader.value("SELECT 1", as: Int.self) == 1)
        try await one.setReadOnly(false)
        try await mark(pool)
        await pool.close()
        await reader.close()
        await one.stop()
        await two.stop()
    }

    @Test func `a primary that falls silent in mid work is left for the promoted standby`() async throws {
        let pair = try PostgresPair(folder: TestServers.folder("pair"), durable: false)
        try await pair.start()
        try await pair.primary.query("CREATE TABLE marks (n bigint)", database: "wharf")
        let pool = try PostgresPool(url: pair.url, size: 3, logger: quiet)
        // As seen by a role whose default is read-only.
        let auditor = try PostgresPool(
            url: pair.url + "?target_session_attrs=read-write&options=-c%20default_transaction_read_only%3Don", access: .read, size: 1, logger: quiet)
        #expect(try await auditor.value("SELECT 1", as: Int.self) == 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await pool.run() }
            try await withThrowingTaskGroup(of: Void.self) { marks in
                for _ in 0..<9 { marks.addTask { try await mark(pool) } }
                try await marks.waitForAll()
            }
            let clock = ContinuousClock()
            await pair.primary.freeze()
            let frozenAt = clock.now
            async let underWay = postgresError { try await mark(pool) }
            try await pair.failOver()
            try await eventually("the new primary is used", within: .seconds(30)) {
                await postgresError { try await mark(pool) } == nil
            }
            print("primary frozen, standby promoted: used again after \(clock.now - frozenAt)")
            #expect(await underWay?.isTransient != false)
            #expect(try await pair.primary.query("SELECT count(*) >= 10 FROM marks", database: "wharf") == "t")
            group.cancelAll()
        }
        await pool.close()
        await auditor.close()
        try await pair.rebuild()
        #expect(try await pair.standby.query("SELECT count(*) >= 10 FROM marks", database: "wharf") == "t")
        await pair.stop()
    }

    private func mark(_ pool: PostgresPool) async throws {
        try await pool.transaction { _ = try await $0.execute("INSERT INTO marks VALUES (1)") }
    }
}

/// A server of the test's own, made read-only as an operator does it before a switchover.
private struct Switchable {
    /// One for all: a URL with several hosts has a single one.
    static let password = "of-all-servers"

    private let server: PostgresServer

    static func start() async throws -> Switchable {
        let server = try PostgresServer(folder: TestServers.folder("switchable"), durable: false)
        try await server.start()
        let own = try PostgresPool(url: server.url, size: 1, logger: quiet)
        _ = try await own.query("ALTER ROLE postgres PASSWORD '\(raw: password)'")
        await own.close()
        return Switchable(server: server)
    }

    var port: Int { server.port }

    func setReadOnly(_ isReadOnly: Bool) async throws {
        try await query("ALTER SYSTEM SET default_transaction_read_only = \(isReadOnly ? "on" : "off")")
        try await query("SELECT pg_reload_conf()")
        // Sessions follow over time; a new one at once, when the server itself has.
        try await eventually { try await query("SHOW default_transaction_read_only") == (isReadOnly ? "on" : "off") }
    }

    @discardableResult
    func query(_ sql: String) async throws -> String {
        let url = "postgres://postgres:\(Self.password)@127.0.0.1:\(port)/postgres"
        let pool = try PostgresPool(url: url, access: .read, size: 1, logger: quiet)
        let rows = try await pool.query("\(raw: sql)")
        await pool.close()
        guard let row = rows.first else { return "" }
        return (try? row.decode(0, as: String.self)) ?? (try? row.decode(0, as: Int.self)).map { "\($0)" } ?? ""
    }

    func stop() async { await server.stop() }
}
