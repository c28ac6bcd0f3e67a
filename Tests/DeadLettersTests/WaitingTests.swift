import AMQP
import Contracts
import FoundationEssentials
import Logging
import PostgreSQL
import Secrets
import TestKit
import Testing

@testable import DeadLetters
@testable import Messaging
@testable import ServiceKit

@Suite struct `Waiting messages` {
    private static let routing = FailureRouting(ladder: .standard, worker: "worker-1", randomness: TestRandomness())

    /// An announcement, exactly as workers make it.
    private func announcement(
        id: UUID = UUID(), order: UUID? = nil, cause: String = "mail-not-sent", queue: String = "notifications.commands", operation: String = "order.confirmed",
        attempt: Int = 4, at: Date
    ) throws -> Delivery {
        var properties = Properties(messageID: id.uuidString, type: operation, contentType: "application/json", headers: ["attempt": .integer(Int64(attempt))])
        if let order { properties.headers["order"] = .string(order.uuidString) }
        let failed = Delivery(properties, Array(#"{"a":1}"#.utf8), routingKey: queue)
        let setAside = Self.routing.publication(of: failed, attempt: attempt - 1, failures: [], failure: Failure(cause, "no answer", remedy: .retry), queue: queue, now: at)
        let announced = try #require(Self.routing.announcement(of: setAside, now: at))
        return Delivery(announced.properties, announced.body, routingKey: announced.routingKey)
    }

    private func collect(_ deliveries: [Delivery], _ harness: DeadLettersHarness) async throws {
        let service = harness.service
        let consumer = ScriptedConsumer(deliveries)
        await WaitingCollector(consumer: consumer, database: service.database, clock: service.clock, logger: Logger(label: "test")).run()
        #expect(consumer.acknowledged == Set(deliveries.map(\.tag)).count)
    }

    private func list(_ harness: DeadLettersHarness, _ parameters: [String: String] = [:]) async throws -> WaitingView {
        try await harness.service.ask(Request("deadletters.waiting.list", parameters: parameters, caller: harness.admin)).decoded()
    }

    private func send(_ harness: DeadLettersHarness, _ body: String, id: UUID = UUID()) async throws -> (selection: WaitingSelection, status: Int) {
        var request = try Request("deadletters.waiting.send", caller: harness.admin, id: id)
        request.body = Array(body.utf8)
        let reply = try await harness.service.send(request)
        return (try reply.decoded(), reply.status)
    }

    private func copies(_ harness: DeadLettersHarness) async throws -> [EarlyCopy] {
        let clock = harness.service.clock
        let found = try await harness.service.database.transaction { try await WaitingHandlers(clock: clock).findCopies(on: $0) }
        return found.compactMap { if case .early(let copy) = $0.destination { copy } else { nil } }
    }

    @Test func `messages are listed by when they return and counted by cause, until they return`() async throws {
        let harness = try await DeadLettersHarness()
        let now = harness.service.clock.now()
        let order = UUID()
        try await collect(
            [
                announcement(order: order, attempt: 4, at: now), announcement(order: order, attempt: 5, at: now), announcement(attempt: 1, at: now),
                announcement(cause: "unroutable", queue: "orders.commands", operation: "orders.checkouts.advance", at: now),
            ], harness)
        let view = try await list(harness)
        #expect(view.items.map(\.attempt).first == 1 && view.items.map(\.dueAt) == view.items.map(\.dueAt).sorted())
        #expect(view.items.allSatisfy { $0.isSendable && $0.sentAt == nil && $0.detail == "no answer" })
        let cause = try #require(view.causes?.first)
        #expect(cause.service == "notifications" && cause.operation == "order.confirmed" && cause.cause == "mail-not-sent" && cause.count == 3 && cause.orders == 1)
        #expect(cause.nextDueAt == view.items.first?.dueAt && view.causes?.count == 2)
        #expect(try await list(harness, ["service": "orders"]).items.map(\.cause) == ["unroutable"])
        #expect(try await list(harness, ["order": order.uuidString]).items.count == 2)
        let page = try await list(harness, ["limit": "3"])
        let rest = try await list(harness, ["limit": "3", "cursor": try #require(page.nextCursor)])
        #expect(page.items.map(\.id) + rest.items.map(\.id) == view.items.map(\.id) && rest.causes == nil)
        harness.service.clock.advance(by: 2)
        #expect(try await list(harness).items.count == 3, "the first has returned")
        harness.service.clock.advance(by: 1_000)
        let none = try await list(harness)
        #expect(none.items.isEmpty && none.causes == [])
        let clock = harness.service.clock
        _ = try await harness.service.database.transaction { try await WaitingHandlers(clock: clock).dropReturned(on: $0) }
        let left = try await harness.service.database.withConnection { try await $0.query("SELECT count(*) AS count FROM waiting").first?.decode("count", as: Int.self) }
        #expect(left == 0)
    }

    @Test func `the latest attempt counts, in whatever order the announcements arrive`() async throws {
        let harness = try await DeadLettersHarness()
        let (id, now) = (UUID(), harness.service.clock.now())
        let (first, second) = (try announcement(id: id, attempt: 4, at: now), try announcement(id: id, cause: "other", attempt: 5, at: now.addingTimeInterval(1)))
        for order in [[[first], [second]], [[second], [first]], [[second, first]], [[first, second, second]]] {
            for batch in order { try await collect(batch, harness) }
            let items = try await list(harness).items
            #expect(items.map(\.attempt) == [5] && items.map(\.cause) == ["other"])
        }
    }

    @Test func `a message that has died is no longer listed, even if an announcement arrives late, until it is replayed and fails again`() async throws {
        let harness = try await DeadLettersHarness()
        let (id, now) = (UUID(), harness.service.clock.now())
        let waiting = try announcement(id: id, at: now)
        try await collect([waiting], harness)
        _ = try await harness.collect([
            .setAside(id: id.uuidString, operation: "order.confirmed", body: Array(#"{"a":1}"#.utf8), queue: "notifications.commands", at: now)
        ])
        #expect(try await list(harness).items.isEmpty)
        try await collect([waiting], harness)
        #expect(try await list(harness).items.isEmpty)
        let letter = try #require(try await harness.list().items.first)
        _ = try await harness.send("deadletters.letters.replay", letter.id)
        try await collect([announcement(id: id, attempt: 1, at: now)], harness)
        #expect(try await list(harness).items.map(\.attempt) == [1])
    }

    @Test func `at most one copy is sent for each failed attempt, even if it is requested repeatedly`() async throws {
        let harness = try await DeadLettersHarness()
        let (id, now) = (UUID(), harness.service.clock.now())
        try await collect([announcement(id: id, order: UUID(), at: now), announcement(cause: "unroutable", queue: "orders.commands", at: now)], harness)
        let filter = #"{"filter": {"service": "notifications"}"#
        let dry = try await send(harness, filter + #", "dryRun": true}"#)
        #expect(dry.status == 200 && dry.selection.selected == 1 && dry.selection.orders == 1)
        #expect(try await copies(harness).isEmpty)
        let sent = try await send(harness, filter + "}")
        #expect(sent.status == 202 && sent.selection == dry.selection)
        #expect(sent.selection.byCause == [.init(service: "notifications", operation: "order.confirmed", cause: "mail-not-sent", count: 1)])
        #expect(try await send(harness, filter + "}").selection.selected == 0)
        let copies = try await copies(harness)
        #expect(copies.map(\.publication.properties.messageID) == [id.uuidString] && copies.map(\.publication.routingKey) == ["notifications.commands"])
        #expect(copies.first?.publication.exchange == Exchange.queues && copies.first?.publication.body == Array(#"{"a":1}"#.utf8))
        #expect(try await self.copies(harness).isEmpty)
        let item = try #require(try await list(harness, ["service": "notifications"]).items.first)
        #expect(item.sentAt == now && item.messageId == id.uuidString)
        // The copy fails.
        let copy = try #require(copies.first?.publication)
        let failed = Self.routing.announcement(
            ofFailed: Delivery(copy.properties, copy.body), until: item.dueAt, Failure("mail-not-sent", "still no answer", remedy: .retry), queue: "notifications.commands",
            now: now.addingTimeInterval(1))
        try await collect([Delivery(failed.properties, failed.body, routingKey: failed.routingKey)], harness)
        let again = try #require(try await list(harness, ["service": "notifications"]).items.first)
        #expect(again.sentAt == nil && again.detail == "still no answer" && again.dueAt == item.dueAt && again.attempt == item.attempt && again.since == item.since)
        #expect(try await send(harness, #"{"filter": {}}"#).selection.selected == 2)
    }

    @Test func `the audit log records who sent which messages, but no dry run`() async throws {
        let harness = try await DeadLettersHarness()
        try await collect([announcement(at: harness.service.clock.now())], harness)
        for body in [#"{"filter": {"cause": "mail-not-sent"}, "dryRun": true}"#, #"{"filter": {"cause": "other"}}"#, #"{"filter": {"cause": "mail-not-sent"}}"#] {
            _ = try await send(harness, body)
        }
        struct Entries: Decodable { let items: [AuditEntryView] }
        let entries: Entries = try await harness.service.ask(Request("deadletters.audit.list", parameters: ["action": "sent"], caller: harness.admin)).decoded()
        #expect(entries.items.map(\.detail) == ["1 messages on the retry ladder: cause mail-not-sent"])
        #expect(entries.items.first?.actor.hasPrefix("admin@example.com") == true)
    }

    @Test func `a message without a copy is listed but not sent, and a malformed announcement is dropped`() async throws {
        let harness = try await DeadLettersHarness()
        let now = harness.service.clock.now()
        let whole = try announcement(at: now)
        var properties = whole.properties
        properties.headers["without-body"] = .boolean(true)
        var nonsense = whole.properties
        nonsense.headers["due"] = .string("soon")
        try await collect([Delivery(properties, [], routingKey: "payments.commands"), Delivery(nonsense), Delivery(Properties()), .setAside()], harness)
        #expect(try await list(harness).items.map(\.isSendable) == [false])
        #expect(try await send(harness, #"{"filter": {}}"#).selection.selected == 0)
        #expect(try await copies(harness).isEmpty)
    }

    @Test(arguments: ["", "{}", #"{"filter": 1}"#, #"{"filter": {"service": ""}}"#, #"{"filter": {"servce": "a"}}"#, #"{"filter": {"id": "a"}}"#])
    func `a filter that would select more than intended is rejected`(body: String) async throws {
        let harness = try await DeadLettersHarness()
        var request = try Request("deadletters.waiting.send", caller: harness.admin)
        request.body = Array(body.utf8)
        #expect([400, 422].contains(try await harness.service.send(request).status))
    }

    @Test func `more than the maximum are not stored`() async throws {
        let harness = try await DeadLettersHarness()
        let now = harness.service.clock.now()
        try await harness.service.database.transaction { transaction in
            _ = try await transaction.execute(
                """
                INSERT INTO waiting (id, service, queue, cause, detail, attempt, since, set_aside_at, due_at)
                SELECT gen_random_uuid(), 'a', 'a.commands', 'c', 'd', 1, \(now), \(now), \(now.addingTimeInterval(600)) FROM generate_series(1, \(WaitingStore.maximum))
                """)
        }
        try await collect([announcement(at: now)], harness)
        #expect(try await list(harness, ["service": "notifications"]).items.isEmpty)
        #expect(try await list(harness).causes?.map(\.count) == [WaitingStore.maximum])
    }
}
