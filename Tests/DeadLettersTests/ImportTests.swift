import AMQP
import Contracts
import FoundationEssentials
import Input
import JSON
import PostgreSQL
import Testing

@testable import DeadLetters
@testable import Messaging
@testable import ServiceKit

@Suite struct ImportTests {
    private func exported(_ letters: DeadLettersHarness, _ id: UUID) async throws -> [String: JSONValue] {
        try await letters.service.ask(Request("deadletters.letters.get", parameters: ["id": id.uuidString])).decoded()
    }

    private func imported(_ letter: [String: JSONValue], _ letters: DeadLettersHarness) async throws -> Reply {
        var request = try Request("deadletters.letters.import", caller: letters.admin)
        request.body = try JSON.encode(letter)
        return try await letters.service.send(request)
    }

    @Test(arguments: [
        Delivery.setAside(body: Array(#"{"orderID":"3D1B8C56-0D4F-4A8C-9E57-6F2A1B9C7D33","x":"ä"}"#.utf8), headers: ["p.id": "abc", "order-number": "W-1"]),
        .setAside(id: nil, body: [0xFF, 0x00, 0x01], headers: ["nul": "a\u{0}b", "bytes": .bytes([1, 2])]),
        Delivery(Properties(contentType: "text/plain"), Array("plain".utf8), routingKey: ""),
    ])
    func `an exported letter is imported into another shop with nothing lost, and is replayed there as it would have been here`(delivery: Delivery) async throws {
        let (here, there) = (try await DeadLettersHarness(), try await DeadLettersHarness())
        _ = try await here.collect([delivery])
        let id = try #require(try await here.list().items.first?.id)
        var letter = try await exported(here, id)
        #expect(try await imported(letter, there).status == 201)
        #expect(try await imported(letter, there).status == 200, "it is there already")
        var copy = try await exported(there, id)
        (letter["audit"], copy["audit"]) = (nil, nil)
        #expect(copy == letter)
        #expect(try await there.list().items.count == 1)
        #expect(try await there.groups().items.map(\.count) == [1])
        let (own, other) = (try await here.replayed(id), try await there.replayed(id))
        #expect(own == other)
        try await there.expectExactCounts()
    }

    @Test func `an edit, a state and its times are imported too`() async throws {
        let (here, there) = (try await DeadLettersHarness(), try await DeadLettersHarness())
        let messageID = UUID().uuidString
        _ = try await here.collect([.setAside(id: messageID, body: Array("{}".utf8))])
        let id = try #require(try await here.list().items.first?.id)
        _ = try await here.edit(
            id, #"{"orderID":"3D1B8C56-0D4F-4A8C-9E57-6F2A1B9C7D33","amount":{"amount":5,"currency":"EUR"},"payment":{"gateway":"stripe","paymentMethod":"pm"},"orderNumber":"W-1"}"#)
        _ = try await here.replayed(id)
        let letter = try await exported(here, id)
        #expect(try await imported(letter, there).status == 201)
        let copy = try await exported(there, id)
        #expect(copy["edit"] == letter["edit"] && copy["state"] == .string("replayed") && copy["settledAt"] == letter["settledAt"])
        #expect(try await there.service.count("SELECT count(*) FROM letters WHERE edit_sent") == 1)
        guard case .object(let edit)? = letter["edit"], case .string(let body)? = edit["body"] else { return }
        _ = try await there.collect([.setAside(id: messageID, body: Array(body.utf8), at: Date(timeIntervalSince1970: 1_780_000_100))])
        #expect(try await there.list().items.map(\.id) == [id], "the edited message is known when it dies there")
    }

    @Test(
        arguments: [
            ("id", .string("no UUID")), ("queue", nil), ("state", .string("lost")), ("seen", .integer(0)), ("attempts", .integer(-1)), ("bodyEncoding", .string("hex")),
            ("bodyBytes", .integer(1)), ("original", .string("!")), ("settledAt", .string("2026-01-15T09:31:40.000Z")), ("cause", .string(String(repeating: "c", count: 256))),
            ("body", .string("a\u{0}b")), ("firstSeenAt", .string("yesterday")),
        ] as [(String, JSONValue?)])
    func `an invalid exported letter is refused with the invalid member`(member: String, value: JSONValue?) async throws {
        let letters = try await DeadLettersHarness()
        _ = try await letters.collect([.setAside()])
        let id = try #require(try await letters.list().items.first?.id)
        var letter = try await exported(letters, id)
        letter["id"] = .string(UUID().uuidString)
        letter[member] = value
        let reply = try await imported(letter, letters)
        #expect(reply.status == 422, "\(member)")
        #expect(try await letters.list().items.count == 1)
    }
}
