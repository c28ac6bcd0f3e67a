import Foundation
import Testing

@testable import PostgreSQL

/// The settings that statements rely on hold whatever defaults an operator has given the role or the database.
@Suite(.timeLimit(.minutes(3))) struct SessionTests {
    /// The URL of a new role with these defaults.
    private func role(_ defaults: [String], options: String? = nil, isSuperuser: Bool = false) async throws -> String {
        let name = "role_\(UUID().uuidString.prefix(8).lowercased())"
        let administrator = try await makePool(size: 1)
        _ = try await administrator.query("CREATE ROLE \(identifier: name) LOGIN \(raw: isSuperuser ? "SUPERUSER" : "")")
        for setting in defaults { _ = try await administrator.query("ALTER ROLE \(identifier: name) SET \(raw: setting)") }
        let url = try await TestServer.url().replacing("user=postgres", with: "user=\(name)")
        return url + (options.map { "&options=\($0.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")" } ?? "")
    }

    @Test(arguments: [
        ("default_transaction_isolation", "'repeatable read'", "read committed"), ("default_transaction_isolation", "serializable", "read committed"),
        ("TimeZone", "'America/Caracas'", "UTC"), ("DateStyle", "'SQL, DMY'", "ISO, MDY"), ("IntervalStyle", "iso_8601", "postgres"),
        ("client_encoding", "latin1", "UTF8"), ("standard_conforming_strings", "off", "on"), ("transform_null_equals", "on", "off"),
        ("search_path", "pg_catalog", "\"its own\",public"), ("synchronous_commit", "off", "on"), ("lock_timeout", "1", "12s"),
        ("idle_in_transaction_session_timeout", "0", "8s"), ("tcp_user_timeout", "7200000", "0"), ("client_connection_check_interval", "0", "5s"),
    ])
    func `a role's default changes nothing`(name: String, value: String, expected: String) async throws {
        let pool = try PostgresPool(url: await role(["\(name) = \(value)"]), size: 1, schema: "its own", logger: quiet)
        // Sockets of this machine have no keepalives: the server shows 0.
        #expect(try await pool.value("SELECT current_setting(\(name))", as: String.self) == expected)
        await pool.close()
    }

    @Test(arguments: ["'repeatable read'", "serializable"])
    func `a transaction sees what others commit while it is open, whatever level the role sets`(level: String) async throws {
        let writer = try await makePool(size: 1)
        _ = try await writer.query("CREATE TABLE public.seen_\(raw: level.filter(\.isLetter)) (n bigint)")
        let table: SQL = "public.seen_\(raw: level.filter(\.isLetter))"
        let pool = try PostgresPool(
            url: await role(["default_transaction_isolation = \(level)"], isSuperuser: true), size: 1, logger: quiet)
        let counts = try await pool.transaction { transaction in
            let before: Int = try await transaction.query("SELECT count(*) FROM \(table)")[0].decode(0)
            _ = try await writer.query("INSERT INTO \(table) VALUES (1)")
            return [before, try await transaction.query("SELECT count(*) FROM \(table)")[0].decode(0)]
        }
        #expect(counts == [0, 1])
        await pool.close()
    }

    @Test func `a transaction sets its level itself, whatever an earlier statement has left in the session`() async throws {
        let pool = try await makePool(size: 1)
        _ = try await pool.query("SET default_transaction_isolation = serializable")
        let level: String = try await pool.transaction { try await $0.query("SHOW transaction_isolation")[0].decode(0) }
        #expect(level == "read committed")
    }

    @Test func `the URL's own options may relax a commit and the timeouts, and nothing that statements rely on`() async throws {
        let url = try await role([], options: "-c synchronous_commit=off -c lock_timeout=7s -c TimeZone=Asia/Tokyo")
        let pool = try PostgresPool(url: url, size: 1, logger: quiet)
        #expect(try await pool.value("SELECT current_setting('synchronous_commit')", as: String.self) == "off")
        #expect(try await pool.value("SELECT current_setting('lock_timeout')", as: String.self) == "7s")
        #expect(try await pool.value("SELECT current_setting('TimeZone')", as: String.self) == "UTC")
        await pool.close()
    }

    @Test func `a session with a wrong setting that the role cannot change is not used, and the error names the setting`() async throws {
        let pool = try PostgresPool(url: await role(["session_replication_role = replica"], isSuperuser: true), size: 1, logger: quiet)
        let error = await postgresError { try await pool.query("SELECT 1") }
        #expect(error?.code == .connection)
        #expect(error?.message.contains("session_replication_role 'replica'") == true)
        #expect(pool.usage.lent == 0)
        await pool.close()
    }

    @Test func `a read-only role gets no pool that writes, and one that reads`() async throws {
        let url = try await role(["default_transaction_read_only = on"])
        let writer = try PostgresPool(url: url, size: 1, logger: quiet)
        let error = await postgresError { try await writer.query("SELECT 1") }
        #expect(error?.code == .connection)
        #expect(error?.isTransient == true)
        let reader = try PostgresPool(url: url, access: .read, size: 1, logger: quiet)
        #expect(try await reader.value("SELECT 1", as: Int.self) == 1)
        await writer.close()
        await reader.close()
    }

    @Test func `a client that stops in its transaction releases its locks, and gets a transient error`() async throws {
        let timeouts = SessionTimeouts(idleInTransaction: .milliseconds(100), lock: nil)
        let stalled = try PostgresPool(url: await TestServer.url(), size: 1, timeouts: timeouts, logger: quiet)
        let other = try await makePool(size: 1)
        let (held, done) = (Gate(), Gate())
        let holder = Task {
            await postgresError {
                try await stalled.transaction { transaction in
                    try await transaction.execute("SELECT pg_advisory_xact_lock(4711)")
                    held.open()
                    await done.wait()
                    try await transaction.execute("SELECT 1")
                }
            }
        }
        await held.wait()
        // Waits for the lock, for as long as the other session may live.
        try await other.transaction { _ = try await $0.execute("SELECT pg_advisory_xact_lock(4711)") }
        done.open()
        #expect(await holder.value?.isTransient == true)
        await stalled.close()
    }

    @Test(arguments: ["40001", "40P01", "55P03", "25006", "25P03", "57014", "57P01", "57P03", "53200", "53300", "08006"])
    func `errors caused by the server, an operator or concurrent work are transient`(sqlState: String) {
        #expect(PostgresError(.server(sqlState: sqlState), "").isTransient)
    }

    @Test func `a lock that is not free in time is a transient error`() async throws {
        let timeouts = SessionTimeouts(idleInTransaction: nil, lock: .milliseconds(50))
        let pool = try PostgresPool(url: await TestServer.url(), size: 2, timeouts: timeouts, logger: quiet)
        try await pool.transaction { transaction in
            try await transaction.execute("SELECT pg_advisory_xact_lock(4712)")
            let error = await postgresError {
                try await pool.transaction { _ = try await $0.execute("SELECT pg_advisory_xact_lock(4712)") }
            }
            #expect(error?.sqlState == PostgresError.lockNotAvailable)
            #expect(error?.isTransient == true)
        }
        await pool.close()
    }
}
