import AMQP
import Contracts
import FoundationEssentials
import PostgreSQL
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
            let output = try #require(result.outputs.first { $0.kind == .replay })
            let publication = try #require(output.publication(at: 0, of: request, recorded: nil, now: letters.service.clock.now()))
            #expect(publication.exchange == "queues")
            #expect(publication.routingKey == "payments.commands")
            #expect(publication.body == body)
            #expect(publication.properties.messageID == messageID)
            #expect(publication.properties.type == "payments.charge")
            #expect(publication.properties.replyTo == nil)
            #expect(publication.properties.headers == ["p.id": "abc", "caller": "c", "traceparent": "t"])
        }
        let letter = try #require(try await letters.list(["state": "replayed"]).items.first)
        #expect(letter.settledBy == "admin@example.com (00000000-0000-0000-0000-000000000007)")
        #expect(letter.settledAt == letters.service.clock.now())
    }

    @Test func `a second replay is refused until the message has come back`() async throws {
        let delivery = Delivery.setAside(id: "again")
        let (letters, id) = try await collected(delivery)
        #expect(try await letters.send("deadletters.letters.replay", id).reply.status == 202)
        let refused = try await letters.send("deadletters.letters.replay", id)
        #expect(try refused.reply.problem?.type.hasSuffix("dead-letter-replayed") == true)
        #expect(try refused.reply.status == 409)
        #expect(!refused.outputs.contains { $0.kind == .replay })
        _ = try await letters.collect([.setAside(id: "again", at: Date(timeIntervalSince1970: 1_780_000_100))])
        #expect(try await letters.send("deadletters.letters.replay", id).reply.status == 202)
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
        #expect(results.map { $0.outputs.count { $0.kind == .replay } } == [1, 0, 1, 0, 0])
    }

    @Test func `a discarded letter is out of the way, cannot be replayed, and can be restored`() async throws {
        let (letters, id) = try await collected()
        for _ in 0..<2 { #expect(try await letters.send("deadletters.letters.discard", id).reply.status == 204) }
        #expect(try await letters.list().items.isEmpty)
        #expect(try await letters.list(["state": "discarded"]).items.count == 1)
        #expect(try await letters.send("deadletters.letters.replay", id).reply.status == 409)
        let now = letters.service.clock.now()
        let restored = try await letters.service.database.transaction {
            try await DeadLetterStore.decide(.restore, [id: "command line"], now: now, on: $0)
        }
        guard case .changed(let letter)? = restored[id] else {
            Issue.record("not restored: \(restored)")
            return
        }
        #expect(letter.state == .open)
        #expect(letter.settledBy == nil)
        #expect(try await letters.send("deadletters.letters.replay", id).reply.status == 202)
        #expect(try await letters.send("deadletters.letters.discard", id).reply.status == 409)
        #expect(try await letters.send("deadletters.letters.discard", UUID()).reply.status == 404)
    }

    @Test func `a letter whose body had to be cut can be looked at only`() async throws {
        let body = [UInt8](repeating: UInt8(ascii: "a"), count: NewLetter.maximumBody + 1)
        let (letters, id) = try await collected(.setAside(body: body))
        let reply = try await letters.send("deadletters.letters.replay", id).reply
        #expect(reply.problem?.type.hasSuffix("dead-letter-incomplete") == true)
    }

    @Test func `every step is in the audit log, which nobody can change`() async throws {
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
