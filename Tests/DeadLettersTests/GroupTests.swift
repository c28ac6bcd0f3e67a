import AMQP
import Contracts
import FoundationEssentials
import PostgreSQL
import Secrets
import TestKit
import Testing

@testable import DeadLetters
@testable import Input
@testable import Messaging
@testable import ServiceKit

@Suite struct GroupTests {
    private static func death(
        _ id: String = UUID().uuidString, _ detail: String = "order 5 is unknown", order: Int? = nil, cause: String = "declined", queue: String = "payments.commands",
        at seconds: Double = 1_780_000_000
    ) -> Delivery {
        let body = order.map { #"{"orderID": "\#(UUID.v5(namespace: .zero, name: String($0)))"}"# } ?? "{}"
        return .setAside(id: id, body: Array(body.utf8), cause: cause, detail: detail, queue: queue, at: Date(timeIntervalSince1970: seconds))
    }

    @Test func `letters of one cause are one group, counted with their different orders`() async throws {
        let letters = try await DeadLettersHarness()
        _ = try await letters.collect((0..<6).map { Self.death("m\($0)", "order \($0) is unknown", order: $0 / 2) } + [Self.death("other", "no such customer")])
        let groups = try await letters.groups()
        #expect(groups.items.count == 2)
        let group = try #require(groups.items.first { $0.text == "order <n> is unknown" })
        #expect(group.count == 6 && group.open == 6 && group.orders == 3 && group.state == .open && group.returned == .never)
        #expect(group.service == "payments" && group.operation == "payments.charge" && group.cause == "declined")
        #expect(group.perHour.count == 24 && group.perHour.last == 6 && group.perHour.reduce(0, +) == 6)
        let newest = try await letters.list(["group": group.id.uuidString]).items
        #expect(newest.count == 6 && newest.allSatisfy { $0.group == group.id })
        #expect(newest.first?.id.uuidString.lowercased() == group.example)
        try await letters.expectExactCounts()
    }

    @Test func `a redelivery counts nowhere, a second death counts as one`() async throws {
        let letters = try await DeadLettersHarness()
        let first = Self.death("m", order: 1)
        for _ in 0..<3 { _ = try await letters.collect([first, first.again]) }
        #expect(try await letters.groups().items.map(\.perHour.last) == [1])
        letters.service.clock.advance(by: 3_600)
        _ = try await letters.collect([Self.death("m", order: 1, at: 1_780_003_600)])
        let group = try #require(try await letters.groups().items.first)
        #expect(group.count == 1 && group.orders == 1)
        #expect(group.perHour.suffix(2) == [1, 1])
        letters.service.clock.advance(by: 24 * 3_600)
        #expect(try await letters.groups().items.map { $0.perHour.reduce(0, +) } == [0])
        try await letters.expectExactCounts()
    }

    @Test func `a message that dies of another cause moves to that group`() async throws {
        let letters = try await DeadLettersHarness()
        _ = try await letters.collect([Self.death("m", cause: "declined")])
        _ = try await letters.collect([Self.death("m", cause: "timeout", at: 1_780_000_100)])
        #expect(try await letters.groups(["state": "all"]).items.map(\.cause) == ["timeout"])
        #expect(try await letters.list().causes?.map(\.cause) == ["timeout"])
        try await letters.expectExactCounts()
    }

    @Test func `decisions move letters between the counts, and a group whose letters are settled is no longer open`() async throws {
        let letters = try await DeadLettersHarness()
        _ = try await letters.collect((0..<3).map { Self.death("m\($0)") })
        let ids = try await letters.list().items.map(\.id)
        _ = try await letters.send("deadletters.letters.discard", ids[0])
        _ = try await letters.send("deadletters.letters.replay", ids[1])
        let group = try #require(try await letters.groups().items.first)
        #expect(group.count == 3 && group.open == 1)
        _ = try await letters.send("deadletters.letters.discard", ids[2])
        #expect(try await letters.groups().items.count == 1, "the outcome of the replayed one is not known")
        try await letters.service.database.transaction { transaction in
            _ = try await DeadLetterStore.decide(.confirm, [ids[1]: "test"], now: letters.service.clock.now(), on: transaction)
        }
        #expect(try await letters.groups().items.isEmpty)
        #expect(try await letters.groups(["state": "all"]).items.map(\.count) == [3])
        #expect(try await letters.list(["state": "handled"]).items.map(\.settledBy) == ["admin@example.com (00000000-0000-0000-0000-000000000007)"])
        try await letters.expectExactCounts()
    }

    @Test func `a group is marked as returned after a replay, and after it was resolved`() async throws {
        let letters = try await DeadLettersHarness()
        _ = try await letters.collect([Self.death("a"), Self.death("b")])
        #expect(try await letters.groups().items.map(\.returned) == [.never])
        let id = try #require(try await letters.list().items.first?.id)
        _ = try await letters.send("deadletters.letters.replay", id)
        #expect(try await letters.groups().items.map(\.returned) == [.never], "nothing has come since")
        letters.service.clock.advance(by: 60)
        _ = try await letters.collect([Self.death("c")])
        let group = try #require(try await letters.groups().items.first)
        #expect(group.returned == .replay)

        #expect(try await letters.change(group.id, #"{"state": "resolved"}"#).status == 200)
        #expect(try await letters.groups().items.isEmpty)
        #expect(try await letters.groups(["state": "resolved"]).items.map(\.returned) == [.never])
        letters.service.clock.advance(by: 60)
        _ = try await letters.collect([Self.death("d")])
        #expect(try await letters.groups().items.map(\.returned) == [.resolved])
        #expect(try await letters.groups().items.map(\.state) == [.open])
    }

    @Test func `a muted group stays muted when letters arrive`() async throws {
        let letters = try await DeadLettersHarness()
        _ = try await letters.collect([Self.death("a")])
        let id = try #require(try await letters.groups().items.first?.id)
        #expect(try await letters.change(id, #"{"state": "muted"}"#).status == 200)
        _ = try await letters.collect([Self.death("b")])
        #expect(try await letters.groups().items.isEmpty)
        #expect(try await letters.groups(["state": "muted"]).items.map(\.open) == [2])
    }

    @Test func `a group is named and annotated by a merge patch, and the audit log names the actor`() async throws {
        let letters = try await DeadLettersHarness()
        _ = try await letters.collect([Self.death("a")])
        let id = try #require(try await letters.groups().items.first?.id)
        #expect(try await letters.change(id, #"{"name": "Unknown orders", "note": "see\nthe wiki"}"#).status == 200)
        #expect(try await letters.change(id, #"{"note": null}"#).status == 200)
        #expect(try await letters.change(id, "{}").status == 200)
        let group = try #require(try await letters.groups().items.first)
        #expect(group.name == "Unknown orders" && group.note == nil && group.state == .open)
        for wrong in [#"{"state": "lost"}"#, #"{"state": null}"#, #"{"name": ""}"#, #"{"count": 5}"#, #"{"name": 5}"#] {
            #expect(try await letters.change(id, wrong).status == 422, "\(wrong)")
        }
        #expect(try await letters.change(UUID(), "{}").status == 404)
        #expect(
            try await letters.service.count("SELECT count(*) FROM audit WHERE group_id = \(id) AND action = 'annotated' AND starts_with(actor, 'admin@')") == 2)
    }

    @Test func `groups are listed newest first, page by page, by service`() async throws {
        let letters = try await DeadLettersHarness()
        for index in 0..<5 {
            _ = try await letters.collect([Self.death(cause: "c\(index)", queue: index == 0 ? "orders.commands" : "payments.commands")])
            letters.service.clock.advance(by: 1)
        }
        let first = try await letters.groups(["limit": "3"])
        #expect(first.items.map(\.cause) == ["c4", "c3", "c2"])
        let second = try await letters.groups(["limit": "3", "cursor": #require(first.nextCursor)])
        #expect(second.items.map(\.cause) == ["c1", "c0"] && second.nextCursor == nil)
        #expect(try await letters.groups(["service": "orders"]).items.map(\.cause) == ["c0"])
        #expect(try await letters.service.ask(Request("deadletters.groups.list", parameters: ["state": "lost"], caller: letters.admin)).status == 422)
    }

    @Test func `two collectors that store letters of the same groups at once do not fail, and count all of them`() async throws {
        let letters = try await DeadLettersHarness()
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for lane in 0..<4 {
                tasks.addTask {
                    let deaths = (0..<60).map { Self.death("\(lane)-\($0)", "text", order: $0, cause: "c\(($0 + lane) % 7)") }
                    _ = try await letters.collect(lane.isMultiple(of: 2) ? deaths : deaths.reversed())
                }
            }
            try await tasks.waitForAll()
        }
        #expect(try await letters.groups().items.map(\.count).reduce(0, +) == 240)
        #expect(try await letters.groups().items.map(\.orders).reduce(0, +) == letters.service.count("SELECT count(*) FROM group_orders"))
        try await letters.expectExactCounts()
    }
}

extension DeadLettersHarness {
    func groups(_ parameters: [String: String] = [:]) async throws -> Page<GroupView> {
        try await service.ask(Request("deadletters.groups.list", parameters: parameters, caller: admin)).decoded()
    }

    func change(_ group: UUID, _ patch: String) async throws -> Reply {
        var request = try Request("deadletters.groups.change", parameters: ["id": group.uuidString], caller: admin)
        request.body = Array(patch.utf8)
        return try await service.send(request)
    }

    /// The counts are those that counting gives.
    func expectExactCounts(_ location: SourceLocation = #_sourceLocation) async throws {
        let differences = try await service.count(
            """
            SELECT count(*) FROM (SELECT group_id, queue, state, count(*) AS letters FROM letters GROUP BY group_id, queue, state) AS counted
            FULL JOIN (SELECT * FROM group_counts WHERE letters <> 0) AS kept USING (group_id, queue, state)
            WHERE counted.letters IS DISTINCT FROM kept.letters
            """)
        #expect(differences == 0, sourceLocation: location)
    }
}
