import AMQP
import FoundationEssentials
import PostgreSQL
import Testing

@testable import DeadLetters
@testable import Input
@testable import Messaging
@testable import ServiceKit

@Suite struct OverviewTests {
    private func audit(_ letters: DeadLettersHarness, _ parameters: [String: String] = [:]) async throws -> Page<AuditEntryView> {
        try await letters.service.ask(Request("deadletters.audit.list", parameters: parameters, caller: letters.admin)).decoded()
    }

    @Test func `the statistics count states, services and hours`() async throws {
        let letters = try await DeadLettersHarness()
        let empty: StatisticsView = try await letters.service.ask(Request("deadletters.stats.get", caller: letters.admin)).decoded()
        #expect(empty.states == ["open": 0, "replayed": 0, "handled": 0, "discarded": 0] && empty.services.isEmpty)
        let start = letters.service.clock.now()
        _ = try await letters.collect([.setAside(), .setAside(), .setAside(queue: "orders.commands")])
        letters.service.clock.advance(by: 3_600)
        _ = try await letters.collect([.setAside()])
        let order = try #require(try await letters.list(["service": "orders"]).items.first)
        _ = try await letters.send("deadletters.letters.discard", order.id)
        let found: StatisticsView = try await letters.service.ask(Request("deadletters.stats.get", caller: letters.admin)).decoded()
        #expect(found.states == ["open": 3, "replayed": 0, "handled": 0, "discarded": 1])
        #expect(found.services.map(\.service) == ["payments"] && found.services.map(\.open) == [3] && found.services.map(\.oldest) == [start])
        #expect(found.perHour.count == 24 && found.perHour.suffix(2) == [3, 1])
    }

    @Test func `the audit log is listed newest first, by person, action and time, without arrivals unless they are asked for`() async throws {
        let letters = try await DeadLettersHarness()
        _ = try await letters.collect([.setAside(id: "a"), .setAside(id: "b")])
        let ids = try await letters.list().items.map(\.id)
        _ = try await letters.send("deadletters.letters.discard", ids[0])
        letters.service.clock.advance(by: 60)
        let later = letters.service.clock.now()
        _ = try await letters.send("deadletters.letters.restore", ids[0])
        let group = try #require(try await letters.groups().items.first?.id)
        _ = try await letters.change(group, #"{"state": "muted", "name": "N"}"#)
        let first = try await audit(letters, ["limit": "2"])
        #expect(first.items.map(\.action) == ["muted", "restored"])
        #expect(first.items.first?.group == group.uuidString.lowercased() && first.items.first?.detail == "name: N")
        let second = try await audit(letters, ["limit": "2", "cursor": #require(first.nextCursor)])
        #expect(second.items.map(\.action) == ["discarded"] && second.nextCursor == nil)
        #expect(second.items.first?.letter == ids[0].uuidString.lowercased())
        #expect(try await audit(letters, ["action": "arrived"]).items.count == 2)
        #expect(try await audit(letters, ["actor": "collector"]).items.count == 2)
        #expect(try await audit(letters, ["actor": "admin@example.com"]).items.count == 3)
        #expect(try await audit(letters, ["actor": "admin@example.co"]).items.isEmpty)
        #expect(try await audit(letters, ["since": later.ISO8601Format()]).items.count == 2)
        #expect(try await letters.service.ask(Request("deadletters.audit.list", parameters: ["cursor": "x"], caller: letters.admin)).status == 422)
    }
}
