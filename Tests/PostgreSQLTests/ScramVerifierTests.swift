import Logging
import PostgreSQL
import TestKit
import Testing

@Suite struct ScramVerifierTests {
    @Test func `a verifier holds no password, and each call gives another one`() throws {
        let password = "correct horse battery staple"
        let verifiers = try (0..<2).map { _ in try ScramVerifier(password: password, user: "catalog").text }
        #expect(verifiers.allSatisfy { $0.hasPrefix("SCRAM-SHA-256$4096:") && !$0.contains(password) })
        #expect(verifiers[0] != verifiers[1])
    }

    @Test func `only the right password signs in to a role that was made with its verifier`() async throws {
        let url = try await TestServers.freshDatabase()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let administrator = try PostgresPool(url: url, size: 1, applicationName: "test", logger: logger)
        let role = "scram_\(UInt32.random(in: 0...UInt32.max))"
        let verifier = try ScramVerifier(password: "r\u{E9}sum\u{E9} 1", user: role)
        try await administrator.withConnection {
            _ = try await $0.execute("CREATE ROLE \(identifier: role) LOGIN PASSWORD '\(raw: verifier.text)'")
        }
        await administrator.close()
        let host = try #require(url.split(separator: "@").last)
        for (password, isRight) in [("r%C3%A9sum%C3%A9%201", true), ("resume%201", false), ("wrong", false)] {
            let pool = try PostgresPool(url: "postgres://\(role):\(password)@\(host)", size: 1, applicationName: "test", logger: logger)
            let user: String? = try? await pool.withConnection { try await $0.query("SELECT current_user::text AS name").first?.decode("name") }
            #expect((user == role) == isRight, "\(password)")
            await pool.close()
        }
    }

    @Test func `a new connection signs in with the current password`() async throws {
        let url = try await TestServers.freshDatabase()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let administrator = try PostgresPool(url: url, size: 1, applicationName: "test", logger: logger)
        let role = "renewed_\(UInt32.random(in: 0...UInt32.max))"
        try await administrator.withConnection { _ = try await $0.execute("CREATE ROLE \(identifier: role) LOGIN PASSWORD 'first'") }
        let host = try #require(url.split(separator: "@").last)
        let current = Changing("postgres://\(role):first@\(host)")
        let pool = try PostgresPool(url: current.current, renewing: { current.current }, size: 1, applicationName: "test", logger: logger)
        func pid() async throws -> Int? { try await pool.withConnection { try await $0.query("SELECT pg_backend_pid()::bigint AS pid").first?.decode("pid") } }
        let first = try #require(try await pid())
        try await administrator.withConnection {
            _ = try await $0.execute("ALTER ROLE \(identifier: role) PASSWORD 'second'")
            _ = try await $0.query("SELECT pg_terminate_backend(\(raw: "\(first)"), 5000)")
        }
        let error = await #expect(throws: PostgresError.self) { for _ in 1...3 { _ = try await pid() } }
        #expect(error?.code == .connection)
        current.become("postgres://\(role):second@\(host)")
        #expect(try await pid() != first)
        await pool.close()
        await administrator.close()
    }
}
