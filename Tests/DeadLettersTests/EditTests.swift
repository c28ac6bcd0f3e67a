import AMQP
import Contracts
import FoundationEssentials
import JSON
import PostgreSQL
import Secrets
import TestKit
import Testing

@testable import DeadLetters
@testable import Messaging
@testable import ServiceKit

@Suite struct EditTests {
    private static let original = Array(#"{"orderID":"3D1B8C56-0D4F-4A8C-9E57-6F2A1B9C7D33"}"#.utf8)
    private static let edited = #"{"orderID":"3D1B8C56-0D4F-4A8C-9E57-6F2A1B9C7D34"}"#

    private func collected(_ delivery: Delivery) async throws -> (DeadLettersHarness, UUID) {
        let letters = try await DeadLettersHarness()
        _ = try await letters.collect([delivery])
        return (letters, try #require(try await letters.list(["state": "all"]).items.first?.id))
    }

    private static func death(_ messageID: String?, _ body: [UInt8] = original, at seconds: Double = 1_780_000_000) -> Delivery {
        .setAside(id: messageID, operation: MessageName.void, body: body, at: Date(timeIntervalSince1970: seconds))
    }

    @Test func `a replay sends the edited body under the original's id, and the original is kept`() async throws {
        let messageID = UUID().uuidString
        let (letters, id) = try await collected(Self.death(messageID))
        let reply = try await letters.edit(id, Self.edited)
        #expect(reply.status == 200)
        #expect(try reply.decoded(LetterSummaryView.self).edited)
        let shown: [String: JSONValue] = try await letters.service.ask(Request("deadletters.letters.get", parameters: ["id": id.uuidString])).decoded()
        #expect(shown["body"] == .string(String(decoding: Self.original, as: UTF8.self)))
        guard case .object(let edit)? = shown["edit"] else { throw Missing() }
        #expect(edit["body"] == .string(Self.edited) && edit["sent"] == .boolean(false))
        #expect(edit["by"] == .string("admin@example.com (00000000-0000-0000-0000-000000000007)"))
        let sent = try await letters.replayed(id)
        #expect(sent.map { String(decoding: $0.body, as: UTF8.self) } == Self.edited)
        #expect(sent?.messageID == messageID && sent?.headers == ["p.id": "abc"] && sent?.operation == MessageName.void)
        #expect(
            try await letters.service.database.withConnection { try await DeadLetterStore.find([id], on: $0)[id]?.audit.map(\.action) }
                == ["arrived", "edited", "replayed"])
    }

    @Test func `an edited message that dies again is the same letter, and the original can no longer be sent`() async throws {
        let messageID = UUID().uuidString
        let (letters, id) = try await collected(Self.death(messageID))
        _ = try await letters.edit(id, Self.edited)
        _ = try await letters.replayed(id)
        _ = try await letters.collect([Self.death(messageID, Array(Self.edited.utf8), at: 1_780_000_100)])
        let all = try await letters.list(["state": "all"]).items
        #expect(all.map(\.id) == [id] && all.map(\.seen) == [2] && all.map(\.state) == [.open] && all.map(\.edited) == [true])
        let refused = try await letters.send("deadletters.letters.revert", id).reply
        #expect(refused.status == 409 && refused.problem?.type.hasSuffix("dead-letter-edit-sent") == true)
        // Not even a copy of the original that dies meanwhile brings it back.
        _ = try await letters.collect([Self.death(messageID, at: 1_780_000_200)])
        #expect(try await letters.list(["state": "all"]).items.map(\.id) == [id])
        #expect(try await letters.replayed(id).map { String(decoding: $0.body, as: UTF8.self) } == Self.edited)
        _ = try await letters.collect([Self.death(messageID, Array(Self.edited.utf8), at: 1_780_000_300)])
        #expect(try await letters.edit(id, #"{"orderID":"3D1B8C56-0D4F-4A8C-9E57-6F2A1B9C7D35"}"#).status == 200, "what was edited may be edited again")
        try await letters.expectExactCounts()
    }

    @Test func `the original and the edited message that die in one batch are one letter`() async throws {
        let messageID = UUID().uuidString
        let (letters, id) = try await collected(Self.death(messageID))
        _ = try await letters.edit(id, Self.edited)
        _ = try await letters.replayed(id)
        let consumer = try await letters.collect([
            Self.death(messageID, at: 1_780_000_100), Self.death(messageID, Array(Self.edited.utf8), at: 1_780_000_200),
        ])
        #expect(consumer.acknowledged == 2)
        #expect(try await letters.list(["state": "all"]).items.map(\.seen) == [3])
    }

    @Test func `an edit that was not sent can be reverted`() async throws {
        let messageID = UUID().uuidString
        let (letters, id) = try await collected(Self.death(messageID))
        _ = try await letters.edit(id, Self.edited)
        for _ in 0..<2 { #expect(try await letters.send("deadletters.letters.revert", id).reply.status == 204) }
        #expect(try await letters.list().items.map(\.edited) == [false])
        #expect(try await letters.replayed(id)?.body == Self.original)
    }

    @Test(arguments: [nil, "", "no UUID"] as [String?])
    func `an edited message whose id no service accepts gets one of its own, and is the same letter when it dies`(messageID: String?) async throws {
        let (letters, id) = try await collected(Self.death(messageID))
        _ = try await letters.edit(id, Self.edited)
        let sent = try #require(try await letters.replayed(id))
        let new = try #require(sent.messageID)
        #expect(UUID(uuidString: new) != nil)
        _ = try await letters.collect([Self.death(new, Array(Self.edited.utf8), at: 1_780_000_100)])
        #expect(try await letters.list(["state": "all"]).items.map(\.id) == [id])
        #expect(try await letters.replayed(id)?.messageID == new)
    }

    @Test(arguments: [
        ("not JSON", "is not valid JSON"), ("[1]", "must be a JSON object"), ("{}", "orderID is missing"), (#"{"orderID": 5}"#, "orderID"), ("", "is not valid JSON"),
    ])
    func `an edited body must be one that the operation can read`(body: String, complaint: String) async throws {
        let (letters, id) = try await collected(Self.death(UUID().uuidString))
        let reply = try await letters.edit(id, body)
        #expect(reply.status == 422)
        #expect(reply.problem?.errors?.first?.detail.contains(complaint) == true, "\(reply.problem?.detail ?? "")")
        #expect(try await letters.list().items.map(\.edited) == [false])
    }

    @Test func `a body that is not JSON, or of an unknown operation, is edited freely`() async throws {
        #expect(MessageContract.flaw(in: Array("x".utf8), operation: nil, contentType: "text/csv", original: Array("{}".utf8)) == nil)
        #expect(MessageContract.flaw(in: Array("[]".utf8), operation: "other", contentType: nil, original: Array("[1]".utf8)) == nil)
        #expect(MessageContract.flaw(in: Array("x".utf8), operation: nil, contentType: "application/problem+json; charset=utf-8", original: []) != nil)
    }

    @Test func `an edit waits for a replay under way, and is then refused`() async throws {
        let (letters, id) = try await collected(Self.death(UUID().uuidString))
        let reply = try await withThrowingTaskGroup(of: Reply.self) { group in
            try await letters.service.database.transaction { holder in
                _ = try await DeadLetterStore.decide(.replay, [id: "test"], now: letters.service.clock.now(), on: holder)
                group.addTask { try await letters.edit(id, Self.edited) }
                try await eventually("The edit waits for the letter") {
                    try await holder.execute("SELECT pg_stat_clear_snapshot()")
                    return try await holder.query(
                        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
                    ).count == 1
                }
            }
            return try await group.next()
        }
        #expect(reply?.status == 409)
        #expect(try await letters.list(["state": "replayed"]).items.map(\.edited) == [false])
    }

    @Test func `only an open, complete letter is edited`() async throws {
        let (letters, id) = try await collected(Self.death(UUID().uuidString))
        _ = try await letters.replayed(id)
        #expect(try await letters.edit(id, Self.edited).status == 409)
        #expect(try await letters.edit(UUID(), Self.edited).status == 404)
        let (others, secret) = try await collected(.setAside(body: FailedMessage.redactedBody))
        #expect(try await others.edit(secret, "{}").problem?.type.hasSuffix("dead-letter-incomplete") == true)
        let (third, bundle) = try await collected(
            Delivery(Properties(contentType: Bundle.contentType + ".v2", headers: ["origin": "payments.commands", "cause": "unknown-bundle"]), [1]))
        #expect(try await third.edit(bundle, "{}").status == 422)
    }
}

private struct Missing: Error {}

extension DeadLettersHarness {
    func edit(_ id: UUID, _ body: String) async throws -> Reply {
        try await service.send(Request("deadletters.letters.edit", ["body": body], parameters: ["id": id.uuidString], caller: admin))
    }

    /// What a replay sends; nil when it is refused.
    func replayed(_ id: UUID) async throws -> FailedMessage? {
        for output in try await send("deadletters.letters.replay", id).outputs {
            if case .replay(let message, _) = output.destination { return message }
        }
        return nil
    }
}
