import AMQP
import Logging
import Messaging
import Operations
import PostgreSQL
import ServiceLifecycle
import TestKit
import Testing

@testable import Assembly

/// The databases of the running system, as its services reach them.
enum SystemDatabase {
    static func with<Result: Sendable>(
        _ service: String, schema: String? = nil, _ body: @Sendable (any SQLConnection) async throws -> Result
    ) async throws -> Result {
        let pool = try PostgresPool(
            url: try RunningWharf.get().settings.postgresURL(for: service), access: service == AuditRole.name ? .read : .readWrite, size: 1, applicationName: "tests", schema: schema ?? service,
            logger: Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() })
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await pool.run() }
            defer { group.cancelAll() }
            return try await pool.withConnection(body)
        }
    }
}

extension System {
    /// A compromised service has access to nothing else.
    @Suite struct `Isolation` {
        @Test(arguments: ["users", "catalog", "carts", "orders", "payments", "notifications", "deadletters"])
        func `a service's database role sees its own schema and no other`(service: String) async throws {
            try await SystemDatabase.with(service) { connection in
                let rows = try await connection.query(
                    "SELECT nspname FROM pg_namespace WHERE has_schema_privilege(nspname, 'USAGE') AND nspname = ANY(\(ServiceName.allCases.map(\.rawValue)))")
                #expect(try rows.map { try $0.decode("nspname", as: String.self) } == [service])
            }
        }

        @Test(arguments: [
            "UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit", "ALTER TABLE audit DISABLE TRIGGER ALL", "DROP TRIGGER audit_is_append_only ON audit",
            "DELETE FROM audit_other", "ALTER TABLE audit DETACH PARTITION audit_other", "ALTER FUNCTION keep_audit() SET search_path = public",
        ])
        func `the audit log of dead letters cannot be changed by its service's role`(sql: String) async throws {
            let error = await #expect(throws: PostgresError.self) {
                try await SystemDatabase.with("deadletters") { try await $0.execute("\(raw: sql)") }
            }
            #expect(error?.sqlState == "42501")
            try await SystemDatabase.with("audit", schema: "deadletters") { _ = try await $0.query("SELECT at, actor, action FROM audit LIMIT 1") }
        }

        @Test func `a service cannot read another's tables`() async throws {
            let error = await #expect(throws: PostgresError.self) {
                try await SystemDatabase.with("catalog") { try await $0.query("SELECT id FROM orders.orders").count }
            }
            #expect(error?.sqlState == "42501")
        }

        @Test(arguments: [("requests", "payments.void"), ("", "orders.commands"), ("queues", "payments.commands"), ("events", "order.confirmed")])
        func `a service's broker user publishes only its own messages`(exchange: String, routingKey: String) async throws {
            let configuration = try AMQPConfiguration(url: try RunningWharf.get().settings.amqpURL(for: "catalog"), connectionName: "tests")
            let publisher = Publisher(configuration: configuration, logger: Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() })
            let outcome = try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await publisher.run() }
                defer { group.cancelAll() }
                let publication = Publication(
                    exchange: exchange, routingKey: routingKey, properties: Properties(persistent: true), body: Array("{}".utf8))
                return try #require(await publisher.publish([publication]).first)
            }
            guard case .failed(let error) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(error.code == .accessRefused)
        }

        @Test func `a service's broker user consumes no other's queue`() async throws {
            let configuration = try AMQPConfiguration(url: try RunningWharf.get().settings.amqpURL(for: "catalog"), connectionName: "tests")
            let consumer = Consumer(
                configuration: configuration, source: .queue("orders.commands"), prefetch: 1,
                logger: Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() })
            let error = await #expect(throws: AMQPError.self) { try await consumer.run() }
            #expect(error?.code == .accessRefused)
        }
    }
}
