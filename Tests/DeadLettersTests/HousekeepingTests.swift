import AMQP
import FoundationEssentials
import Input
import Logging
import PostgreSQL
import TestKit
import Testing

@testable import DeadLetters
@testable import Messaging
@testable import ServiceKit

@Suite struct HousekeepingTests {
    private func work(_ name: String, _ letters: DeadLettersHarness) async throws {
        let poller = try #require(DeadLettersService.definition(clock: letters.service.clock).pollers.first { $0.name == name })
        _ = try await letters.service.database.transaction { try await poller.find($0) }
    }

    @Test func `letters of an earlier version are counted at once, and analysed soon after`() async throws {
        let letters = try await DeadLettersHarness(version: "audit")
        let order = UUID()
        try await letters.service.database.withConnection { connection in
            for index in 0..<5 {
                _ = try await connection.execute(
                    """
                    INSERT INTO letters (
                        id, occurrences, seen, message_id, operation, queue, cause, detail, attempts, history, properties, headers, original, body, body_bytes,
                        first_seen_at, last_seen_at
                    ) VALUES (
                        \(UUID()), '{}', 1, \("m\(index)"), 'payments.charge', 'payments.commands', 'declined', \("order \(index)"), 8,
                        '[{"at": "2026-01-15T09:31:40.000Z", "worker": "w", "cause": "c", "detail": "d"}]', '{}', '{}',
                        \(Array(#"{"headers": {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}}"#.utf8)),
                        \(Array(#"{"orderID": "\#(order)"}"#.utf8)), 1, now(), now())
                    """)
            }
        }
        try await letters.migrate()
        #expect(try await letters.list().causes?.map(\.count) == [5])
        #expect(try await letters.groups().items.map(\.count) == [5])
        // A worker of the earlier version is still running.
        try await letters.service.database.withConnection { connection in
            _ = try await connection.execute("UPDATE letters SET group_id = '00000000-0000-0000-0000-000000000000' WHERE message_id = 'm4'")
        }
        try await work("letters to analyse", letters)
        let group = try #require(try await letters.groups().items.first)
        #expect(group.text == "order <n>" && group.count == 5 && group.orders == 1 && group.returned == .never)
        let letter = try #require(try await letters.list(["order": order.uuidString]).items.first)
        #expect(letter.traceId == "4bf92f3577b34da6a3ce929d0e0e4736")
        #expect(letter.firstFailedAt == Date(timeIntervalSince1970: 1_768_469_500))
        #expect(try await letters.list(["text": order.uuidString]).items.count == 5)
        try await letters.expectExactCounts()
    }

    @Test func `settled letters are deleted in their time, open ones and the audit log never`() async throws {
        let letters = try await DeadLettersHarness()
        _ = try await letters.collect((0..<4).map { .setAside(id: "m\($0)", cause: $0 == 3 ? "other" : "declined") })
        let ids = try await letters.list().items.reduce(into: [:]) { $0[$1.messageId ?? ""] = $1.id }
        for name in ["m1", "m3"] { _ = try await letters.send("deadletters.letters.discard", #require(ids[name])) }
        letters.service.clock.advance(by: Double(Retention.days - 1) * 86_400)
        _ = try await letters.send("deadletters.letters.discard", #require(ids["m2"]))
        try await work("old letters", letters)
        #expect(try await letters.list(["state": "all"]).items.count == 4)
        letters.service.clock.advance(by: 2 * 86_400)
        try await work("old letters", letters)
        #expect(Set(try await letters.list(["state": "all"]).items.compactMap(\.messageId)) == ["m0", "m2"])
        #expect(try await letters.groups(["state": "all"]).items.map(\.count) == [2])
        #expect(try await letters.service.count("SELECT count(*) FROM groups") == 1)
        #expect(try await letters.service.count("SELECT count(*) FROM group_hours") == 0)
        #expect(try await letters.service.count("SELECT count(*) FROM audit") == 7)
        letters.service.clock.advance(by: 400 * 86_400)
        for _ in 0..<2 { try await work("old letters", letters) }
        #expect(try await letters.list(["state": "all"]).items.compactMap(\.messageId) == ["m0"])
        try await letters.expectExactCounts()
    }

    @Test func `the audit log drops only whole months past their retention`() async throws {
        let letters = try await DeadLettersHarness()
        _ = try await letters.collect((0..<3).map { .setAside(id: "m\($0)") })
        func months() async throws -> [String] {
            try await letters.service.database.withConnection { connection in
                try await connection.query(
                    "SELECT relname::text AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'audit'::regclass ORDER BY 1"
                ).map { try $0.decode("name") }
            }
        }
        let before = try await months()
        #expect(before.count == 5 && before.last == "audit_other")
        let present = try #require(before.first)
        for sql: SQL in ["UPDATE \(raw: present) SET actor = 'x'", "DELETE FROM \(raw: present)", "TRUNCATE \(raw: present)", "DELETE FROM audit_other"] {
            await #expect(throws: PostgresError.self) { try await letters.service.database.withConnection { _ = try await $0.execute(sql) } }
        }
        try await work("months of the audit log", letters)
        #expect(try await months() == before)
        #expect(try await letters.service.count("SELECT count(*) FROM audit") == 3)
        try await letters.service.database.withConnection { _ = try await $0.execute("ALTER TABLE \(raw: present) RENAME TO audit_202401") }
        try await work("months of the audit log", letters)
        #expect(try await letters.service.count("SELECT count(*) FROM audit") == 0)
        for _ in 0..<2 { try await work("months of the audit log", letters) }
        #expect(try await months() == before)
        _ = try await letters.collect([.setAside(id: "m3")])
        #expect(try await letters.service.count("SELECT count(*) FROM audit") == 1)
    }

    @Test func `a group with a note is kept without letters`() async throws {
        let letters = try await DeadLettersHarness()
        _ = try await letters.collect([.setAside()])
        let group = try #require(try await letters.groups().items.first)
        _ = try await letters.change(group.id, #"{"note": "restart it"}"#)
        _ = try await letters.send("deadletters.letters.discard", #require(try await letters.list().items.first?.id))
        letters.service.clock.advance(by: Double(Retention.days + 1) * 86_400)
        try await work("old letters", letters)
        #expect(try await letters.list(["state": "all"]).items.isEmpty)
        #expect(try await letters.service.count("SELECT count(*) FROM groups WHERE note = 'restart it'") == 1)
    }
}
