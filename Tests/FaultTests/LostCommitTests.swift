import AMQP
import LocalServers
import Messaging
import PostgreSQL
import TestKit
import Testing

extension Faults {
    @Suite struct `Lost commit` {
        /// A standby that never answers holds COMMIT between its effect and its answer; the session is ended at that point.
        @Test func `a command whose COMMIT took effect unacknowledged is reported once, although it has a deadline that passes meanwhile`() async throws {
            let server = try PostgresServer(folder: TestServers.folder("lost-commit"))
            try await server.start()
            let scene = try await Scene(database: try await server.createDatabase("lost_commit"))
            let hold = Hold()
            try await scene.send(Accounts.messages(3, deadline: 30))
            try await WorkerProcess.with(Accounts.definition { _ in await hold.arrive() }, in: scene) { _ in
                await hold.arrived()
                let administrator = try PostgresPool(url: scene.databaseURL, size: 1, logger: quiet)
                try await administrator.withConnection { connection in
                    try await connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
                    try await connection.execute("SELECT pg_reload_conf()")
                }
                try await Self.probe(scene, administrator)
                await hold.open()
                // The messages may come in one batch or in several. A transaction is visible only once its session has been ended.
                try await eventually("Each COMMIT waits for its answer") {
                    _ = try await Self.endWaiting("worker-%", administrator)
                    return try await scene.balance() == 3
                }
                _ = try await scene.notices(3)
                await administrator.close()
            }
            #expect(try await scene.balance() == 3)
            await server.stop()
        }

        /// Returns when commits wait for the standby.
        private static func probe(_ scene: Scene, _ administrator: PostgresPool) async throws {
            let pool = try PostgresPool(url: scene.databaseURL, size: 1, applicationName: "probe", schema: Accounts.service, logger: quiet)
            try await eventually("Commits wait for the standby") {
                async let commit = try? pool.transaction { try await $0.execute("SELECT pg_logical_emit_message(true, 'probe', '')") }
                var hasWaited = false
                do {
                    try await eventually("It waits", within: .seconds(1)) { try await endWaiting("probe", administrator) == 1 }
                    hasWaited = true
                } catch {}
                _ = await commit
                return hasWaited
            }
            await pool.close()
        }

        /// Ends the sessions of this name that wait for a standby; returns how many there were.
        private static func endWaiting(_ name: String, _ administrator: PostgresPool) async throws -> Int {
            try await administrator.withConnection { connection in
                try await connection.query(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name LIKE \(name)
                    """
                ).count
            }
        }
    }
}
