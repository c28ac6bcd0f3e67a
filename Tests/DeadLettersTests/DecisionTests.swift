import AMQP
import Contracts
import FoundationEssentials
import PostgreSQL
import TestKit
import Testing

@testable import DeadLetters
@testable import Messaging
@testable import ServiceKit

@Suite struct DecisionTests {
    private func collected(_ delivery: Delivery = .setAside()) async throws -> (DeadLettersHarness, UUID) {
        let letters = try await DeadLettersHarness()
        _ = try await letters.collect([delivery])
        return (letters, try #require(try await letters.list(["state": "all"]).items.first?.id))
    }

    @Test func `a replay sends the message to its queue as it was before it failed, once`() async throws {
        let messageID = UUID().uuidString
        let body: [UInt8] = [0x7B, 0xFF, 0x00, 0x7D]
        let (letters, id) = try await collected(.setAside(id: messageID, body: body, headers: ["p.id": "abc", "caller": "c", "traceparent": "t"]))
        let request = try Request("deadletters.letters.replay", parameters: ["id": id.uuidString], caller: letters.admin)
        for _ in 0..<2 {
            let result = await letters.service.send([request])[0]
            #expect(try result.reply.status == 202)
            let output = try #require(result.outputs.first { $0.isReplay })
            let publication = try #require(output.publication(at: 0, of: request, recorded: nil, now: letters.service.clock.now()))
            #expect(publication.exchange == "queues")
            #expect(publication.routingKey == "payments.commands")
            #expect(publication.body == body)
            #expect(publication.properties.messageID == messageID)
            #expect(publication.properties.type == "payments.charge")
            #expect(publication.properties.replyTo == nil)
            #expect(publication.properties.headers == ["p.id": "abc", "caller": "c", "traceparent": "t", "replay": .boolean(true)])
        }
        let letter = try #require(try await letters.list(["state": "replayed"]).items.first)
        #expect(letter.settledBy == "admin@example.com (00000000-0000-0000-0000-000000000007)")
        #expect(letter.settledAt == letters.service.clock.now())
    }

    @Test func `a second replay is rejected until the message has failed again`() async throws {
        let delivery = Delivery.setAside(id: "again")
        let (letters, id) = try await collected(delivery)
        #expect(try await letters.send("deadletters.letters.replay", id).reply.status == 202)
        let refused = try await letters.send("deadletters.letters.replay", id)
        #expect(try refused.reply.problem?.type.hasSuffix("dead-letter-replayed") == true)
        #expect(try refused.reply.status == 409)
        #expect(!refused.outputs.contains { $0.isReplay })
        _ = try await letters.collect([.setAside(id: "again", at: Date(timeIntervalSince1970: 1_780_000_100))])
        #expect(try await letters.send("deadletters.letters.replay", id).reply.status == 202)
    }

    @Test func `of two administrators who replay one letter at once, one sends it`() async throws {
        let (letters, id) = try await collected()
        let results = try await withThrowingTaskGroup(of: BatchHandler.Result.self) { group in
            try await letters.service.database.transaction { holder in
                try await holder.execute("SELECT FROM letters FOR UPDATE")
                for _ in 0..<2 { group.addTask { try await letters.send("deadletters.letters.replay", id) } }
                try await eventually("Both wait for the letter") {
                    try await holder.execute("SELECT pg_stat_clear_snapshot()")
                    return try await holder.query(
                        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
                    ).count == 2
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(try results.map { try $0.reply.status }.sorted() == [202, 409])
        #expect(results.flatMap(\.outputs).count { $0.isReplay } == 1)
    }

    @Test func `a batch of decisions is answered one by one, and of two on one letter the first counts`() async throws {
        let letters = try await DeadLettersHarness()
        _ = try await letters.collect([.setAside(), .setAside(), .setAside()])
        let ids = try await letters.list().items.map(\.id)
        let requests = try [ids[0].uuidString, UUID().uuidString, ids[1].uuidString, ids[0].uuidString, "no UUID"].map {
            try Request("deadletters.letters.replay", parameters: ["id": $0], caller: letters.admin)
        }
        let results = await letters.service.send(requests)
        #expect(try results.map { try $0.reply.status } == [202, 404, 202, 409, 404])
        #expect(results.map { $0.outputs.count { $0.isReplay } } == [1, 0, 1, 0, 0])
    }

    @Test func `a discarded letter is closed, cannot be replayed, and can be restored`() async throws {
        let (letters, id) = try await collected()
        for _ in 0..<2 { #expect(try await letters.send("deadletters.letters.discard", id).reply.status == 204) }
        #expect(try await letters.list().items.isEmpty)
        #expect(try await letters.list(["state": "discarded"]).items.count == 1)
        #expect(try await letters.send("deadletters.letters.replay", id).reply.status == 409)
        for _ in 0..<2 { #expect(try await letters.send("deadletters.letters.restore", id).reply.status == 200) }
        let letter = try #require(try await letters.list().items.first)
        #expect(letter.state == .open && letter.settledBy == nil)
        #expect(try await letters.send("deadletters.letters.replay", id).reply.status == 202)
        #expect(try await letters.send("deadletters.letters.discard", id).reply.status == 409)
        for decision in ["discard", "restore"] {
            #expect(try await letters.send("deadletters.letters.\(decision)", UUID()).reply.status == 404)
        }
        let restored = try await letters.send("deadletters.letters.restore", id).reply
        #expect(restored.status == 409 && restored.problem?.type.hasSuffix("dead-letter-replayed") == true)
    }

    @Test func `a letter whose body had to be cut can only be viewed`() async throws {
        let body = [UInt8](repeating: UInt8(ascii: "a"), count: NewLetter.maximumBody + 1)
        let (letters, id) = try await collected(.setAside(body: body))
        let reply = try await letters.send("deadletters.letters.replay", id).reply
        #expect(reply.problem?.type.hasSuffix("dead-letter-incomplete") == true)
    }

    @Test func `a letter whose body held credentials can only be viewed`() async throws {
        let (letters, id) = try await collected(.setAside(body: FailedMessage.redactedBody))
        let reply = try await letters.send("deadletters.letters.replay", id).reply
        #expect(reply.problem?.type.hasSuffix("dead-letter-incomplete") == true)
    }

    /// A message that was sent this many days ago, or one without a sending time that died then.
    @Test(arguments: [(sent: 8.0, died: 0.0), (8, 8), (nil, 8)] as [(sent: Double?, died: Double)])
    func `a message older than the inboxes' retention is replayed only with explicit consent`(sent: Double?, died: Double) async throws {
        let letters = try await DeadLettersHarness()
        letters.service.clock.advance(by: -died * 86_400)
        var dead = Delivery.setAside(operation: "payments.void")
        let now = letters.service.clock.now().addingTimeInterval(died * 86_400)
        var properties = dead.properties
        properties.timestamp = sent.map { Int64(now.timeIntervalSince1970 - $0 * 86_400) }
        dead = Delivery(properties, dead.body)
        _ = try await letters.collect([dead])
        letters.service.clock.advance(by: died * 86_400)
        let id = try #require(try await letters.list().items.first?.id)
        let refused = try await letters.send("deadletters.letters.replay", id)
        #expect(try refused.reply.status == 409)
        #expect(try refused.reply.problem?.type.hasSuffix("dead-letter-past-memory") == true)
        #expect(!refused.outputs.contains { $0.isReplay })
        #expect(try await letters.list().items.map(\.state) == [.open])
        var knowing = try Request("deadletters.letters.replay", parameters: ["id": id.uuidString], caller: letters.admin)
        knowing.body = Array(#"{"pastMemory": true}"#.utf8)
        let replayed = await letters.service.send([knowing])[0]
        #expect(try replayed.reply.status == 202)
        #expect(replayed.outputs.count { $0.isReplay } == 1)
    }

    @Test func `a message still in the inboxes is replayed without further consent`() async throws {
        let (letters, id) = try await collected(.setAside(operation: "payments.void"))
        letters.service.clock.advance(by: 6.9 * 86_400)
        #expect(try await letters.send("deadletters.letters.replay", id).reply.status == 202)
        for body in [#"{"pastMemory": 1}"#, #"{"pastmemory": true}"#] {
            var request = try Request("deadletters.letters.replay", parameters: ["id": id.uuidString], caller: letters.admin)
            request.body = Array(body.utf8)
            #expect(try await letters.service.send([request])[0].reply.status == 422)
        }
    }

    @Test func `a bundle kept whole is a bundle when it is replayed, whatever its version`() async throws {
        let letters = try await DeadLettersHarness()
        let properties = Properties(contentType: Bundle.contentType + ".v2", headers: ["origin": "payments.commands", "cause": "unknown-bundle"])
        _ = try await letters.collect([Delivery(properties, [0xFF, 0, 2])])
        let letter = try #require(try await letters.list().items.first)
        let request = try Request("deadletters.letters.replay", parameters: ["id": letter.id.uuidString], caller: letters.admin)
        // The first time from the handler, the second time from the inbox.
        for _ in 0..<2 {
            let output = try #require(await letters.service.send([request])[0].outputs.first { $0.isReplay })
            let publication = try #require(output.publication(at: 0, of: request, recorded: nil, now: letters.service.clock.now()))
            #expect(publication.properties.contentType == properties.contentType)
            #expect(publication.body == [0xFF, 0, 2])
            #expect(publication.properties.headers == [HeaderName.replay: .boolean(true)])
        }
    }

    @Test func `a bundle that a worker could not open is stored as its messages, each with its cause, queue and id`() async throws {
        let letters = try await DeadLettersHarness()
        let ids = [UUID(), UUID()]
        let sent = ids.map { Request(id: $0, operation: "payments.charge", body: Array("{}".utf8)).publication(durability: .durable, now: Date()) }
        let bundle = try #require(Bundle.pack(sent).first?.publication)
        let delivery = Delivery(bundle.properties, bundle.body)
        let dead = FailureRouting(ladder: .standard, worker: "old", randomness: TestRandomness()).publication(
            of: delivery, attempt: 0, failures: [], failure: Failure("malformed-message", "message-id is missing"), queue: "payments.commands",
            now: Date())
        _ = try await letters.collect([Delivery(dead.properties, dead.body)])
        let items = try await letters.list().items
        #expect(Set(items.map(\.messageId)) == Set(ids.map(\.uuidString)))
        #expect(items.map(\.cause) == ["malformed-message", "malformed-message"])
        #expect(items.map(\.queue) == ["payments.commands", "payments.commands"])
    }

    @Test func `a replay never expires: neither its request nor the message it sends`() async throws {
        let (letters, id) = try await collected()
        let request = try Request(
            "deadletters.letters.replay", parameters: ["id": id.uuidString], caller: letters.admin, deadline: letters.service.clock.now().addingTimeInterval(10))
        #expect(try await letters.service.send([request])[0].reply.status == 202)
        letters.service.clock.advance(by: 45)
        let output = try #require(await letters.service.send([request])[0].outputs.first { $0.isReplay })
        let publication = try #require(output.publication(at: 0, of: request, recorded: nil, now: letters.service.clock.now()))
        #expect(publication.properties.headers["deadline"] == nil)
        #expect(publication.properties.expiration == nil)
        #expect(publication.properties.persistent)
    }

    @Test func `every step is in the audit log, which cannot be changed`() async throws {
        let (letters, id) = try await collected()
        _ = try await letters.send("deadletters.letters.discard", id)
        let letter = try #require(try await letters.service.database.withConnection { try await DeadLetterStore.find([id], on: $0)[id] })
        #expect(letter.audit.map(\.action) == ["arrived", "discarded"])
        #expect(letter.audit.last?.actor.hasPrefix("admin@example.com") == true)
        for sql: SQL in ["UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"] {
            await #expect(throws: PostgresError.self) { try await letters.service.database.withConnection { _ = try await $0.execute(sql) } }
        }
    }
}
