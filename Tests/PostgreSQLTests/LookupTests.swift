import IOThreads
import TestKit
import Testing

@testable import PostgreSQL

/// Only the tests' own resolver knows these names: libpq could not look them up itself.
@Suite(.timeLimit(.minutes(3))) struct LookupTests {
    private func connection(_ lookup: HostLookup, port: UInt16 = 5432, connectTimeout: Duration = .seconds(60), on thread: IOThread) throws -> PostgresConnection {
        var settings = try ConnectionSettings(
            url: "postgres://u@db.example:\(port)/x?sslmode=disable", access: .read, allowsPlainText: { _ in true }, applicationName: "test",
            session: Session(schema: nil, keepsToIndexes: false, timeouts: .none, statementTimeout: nil), connectTimeout: connectTimeout,
            responseTimeout: .seconds(60), statementCacheSize: 0)
        settings.lookup = lookup
        return PostgresConnection(to: settings.servers[0], settings: settings, thread: thread, logger: quiet)
    }

    @Test func `a lookup that no name server answers times out with an error that names the host`() async throws {
        let stuck = StuckResolver(names: ["db.example"])
        defer { stuck.release() }
        let connection = try connection(stuck.lookup, connectTimeout: .milliseconds(300), on: try IOThread(named: "test"))
        let error = await postgresError { try await connection.connect() }
        #expect(error?.message == "connecting to PostgreSQL: db.example was not looked up within 0.3 seconds: no name server answers")
        #expect(error?.code == .connection)
    }

    @Test func `the I/O thread is free while a name is looked up, and a cancelled attempt ends at once`() async throws {
        let stuck = StuckResolver(names: ["db.example"])
        defer { stuck.release() }
        let isAsked = Changing(false)
        let lookup = HostLookup { host in
            isAsked.become(true)
            return stuck.lookup.addresses(of: host, within: .seconds(60))
        }
        let thread = try IOThread(named: "test")
        let connection = try connection(lookup, on: thread)
        let attempt = Task { await postgresError { try await connection.connect() } }
        try await eventually { isAsked.current }
        await withCheckedContinuation { continuation in thread.call { continuation.resume() } }
        attempt.cancel()
        #expect(await attempt.value?.code == .cancelled)
    }

    @Test func `all addresses of a name are tried`() async throws {
        let silent = try SilentServer()
        let lookup = HostLookup { _ in .success(["127.0.0.2", "127.0.0.1"]) }
        // On 127.0.0.2 nothing listens; 127.0.0.1 accepts and never answers.
        let connection = try connection(lookup, port: silent.port, connectTimeout: .seconds(2), on: try IOThread(named: "test"))
        let error = await postgresError { try await connection.connect() }
        #expect(error?.message == "PostgreSQL did not accept a connection within 2.0 seconds")
    }

    @Test func `a failure names the host and every address that refused`() async throws {
        let lookup = HostLookup { _ in .success(["127.0.0.2", "127.0.0.1"]) }
        let connection = try connection(lookup, port: 1, on: try IOThread(named: "test"))
        let message = try #require(await postgresError { try await connection.connect() }?.message)
        for part in ["at db.example:1: ", "\"127.0.0.2\"", "\"127.0.0.1\""] { #expect(message.contains(part), "\(message)") }
    }
}
