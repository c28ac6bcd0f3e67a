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

/// Letters whose bodies are shown in parts. They take processor time from other tests, so they run one at a time; the largest ones are in the suite `Large dead letters`.
@Suite(.serialized) struct LargeLetterTests {
    private static let binary = (0..<9 << 19).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
    /// Characters that parts would divide, and characters that JSON escapes.
    private static let text = Array(Array(repeating: Array("\"ä€\n😀".utf8), count: 428_000).joined())

    private static func body(_ name: String) -> [UInt8] { name == "text" ? text : binary }

    private func collected(_ body: [UInt8]) async throws -> (DeadLettersHarness, UUID) {
        let letters = try await DeadLettersHarness()
        _ = try await letters.collect([.setAside(id: "m", body: body)])
        return (letters, try #require(try await letters.list().items.first?.id))
    }

    private func stored(_ letters: DeadLettersHarness, _ body: [UInt8]) async throws -> Bool {
        try await letters.service.count("SELECT count(*) FROM letters WHERE body = \(body) AND body_bytes = \(body.count)") == 1
    }

    @Test(arguments: ["binary", "text"])
    func `a letter of any size is shown in parts that fit into messages, and imported from them without loss`(name: String) async throws {
        let body = Self.body(name)
        let (here, id) = try await collected(body)
        let parts = try await here.parts(id)
        #expect(parts.count == 5 && parts.allSatisfy { $0.body.count <= Publication.maximumBodyBytes })
        let shown = try parts.map { try $0.decoded(ShownPart.self) }
        #expect(Array(shown.map(\.bytes).joined()) == body)
        #expect(shown.allSatisfy { $0.bodyEncoding == (name == "text" ? "text" : "base64") && $0.bodyBytes == body.count })

        let there = try await DeadLettersHarness()
        for part in parts.dropLast() { #expect(try await there.imported(part.body).status == (part.body == parts.first?.body ? 201 : 200)) }
        let early = try await there.send("deadletters.letters.replay", id).reply
        #expect(early.status == 409 && early.problem?.type.hasSuffix("dead-letter-incomplete") == true)
        // All parts again, as after an interrupted import.
        for part in parts { #expect(try await there.imported(part.body).status == 200) }
        #expect(try await stored(there, body))
        #expect(try await there.list().items.map(\.id) == [id])
        let (own, other) = (try await here.replayed(id), try await there.replayed(id))
        #expect(own == other && other?.body == body)
        try await there.expectExactCounts()
    }

    @Test func `a part is appended only where the stored body ends, and never to another letter`() async throws {
        let (here, id) = try await collected(Self.binary)
        let parts = try await here.parts(id).map(\.body)
        let there = try await DeadLettersHarness()
        #expect(try await there.imported(parts[1]).status == 404)
        #expect(try await there.imported(parts[0]).status == 201)
        let gap = try await there.imported(parts[2])
        #expect(gap.status == 422 && gap.problem?.errors?.map(\.field) == ["bodyOffset"])
        // All in one batch, in any order.
        let replies = await there.service.send(try parts[1...3].reversed().map { try there.import($0) }).map { try? $0.reply.status }
        #expect(replies == [200, 200, 200])
        #expect(try await there.service.count("SELECT length(body) FROM letters") == 4 * BodyPart.maximumBytes)
        var foreign: [String: JSONValue] = try JSON.decode(from: parts[4])
        foreign["bodyBytes"] = .integer(5 << 20)
        #expect(try await there.imported(JSON.encode(foreign)).status == 200)
        #expect(try await there.service.count("SELECT length(body) FROM letters") == 4 * BodyPart.maximumBytes)
    }

    @Test func `a message that dies while its letter is imported completes the letter`() async throws {
        let (here, id) = try await collected(Self.binary)
        let there = try await DeadLettersHarness()
        _ = try await there.imported(try await here.parts(id)[0].body)
        _ = try await there.collect([.setAside(id: "m", body: Self.binary, at: Date(timeIntervalSince1970: 1_780_000_100))])
        #expect(try await stored(there, Self.binary))
        #expect(try await there.replayed(id)?.body == Self.binary)
    }

    @Test func `a part fits into a message, whatever else the letter contains`() async throws {
        let worst = [UInt8](repeating: UInt8(ascii: "\""), count: 8 << 20)
        let letters = try await DeadLettersHarness()
        let headers = Dictionary(uniqueKeysWithValues: (0..<10).map { ("h\($0)", FieldValue.string(String(repeating: "\u{1}", count: 10_000))) })
        _ = try await letters.collect([.setAside(body: worst, headers: headers)])
        let id = try #require(try await letters.list().items.first?.id)
        let edit = [UInt8](repeating: 1, count: EditLetter.bodyLength.upperBound)
        _ = try await letters.service.database.withConnection { try await $0.execute("UPDATE letters SET edited_body = \(edit), edited_by = 'a', edited_at = now()") }
        let reply = try await letters.service.ask(Request("deadletters.letters.get", parameters: ["id": id.uuidString]))
        #expect(reply.status == 200 && reply.body.count <= Publication.maximumBodyBytes)
    }

    @Test func `a part of a text ends with a whole character`() {
        for length in 1...4 {
            let bytes = Array("abc€😀".utf8)
            let part = BodyPart(Array(bytes.prefix(3 + length)), at: 5, of: 5 + bytes.count)
            #expect(part.text == (length < 3 ? "abc" : "abc€"), "\(length)")
            #expect(part.next == 5 + part.bytes.count)
        }
        let last = BodyPart(Array("abc".utf8) + [0xE2], at: 0, of: 4)
        #expect(last.text == nil && last.bytes.count == 4 && last.next == nil, "the character never ends")
        let binary = BodyPart([0, 1, 2], at: 0, of: 10)
        #expect(binary.text == nil && binary.bytes == [0, 1, 2] && binary.next == 3)
    }
}

/// A reply with a part of a body.
private struct ShownPart: Decodable {
    let body: String
    let bodyEncoding: String
    let bodyBytes: Int
    let nextBodyOffset: Int?

    var bytes: [UInt8] { bodyEncoding == "text" ? Array(body.utf8) : Base64.decode(body) ?? [] }
}

extension DeadLettersHarness {
    /// The letter's replies, up to the end of its body.
    fileprivate func parts(_ id: UUID) async throws -> [Reply] {
        var parts: [Reply] = []
        var offset: Int? = 0
        while let next = offset {
            let reply = try await service.ask(Request("deadletters.letters.get", parameters: ["id": id.uuidString, "bodyOffset": String(next)]))
            #expect(reply.status == 200)
            parts.append(reply)
            offset = try reply.decoded(ShownPart.self).nextBodyOffset
        }
        return parts
    }

    fileprivate func `import`(_ letter: [UInt8]) throws -> Request {
        var request = try Request("deadletters.letters.import", caller: admin)
        request.body = letter
        return request
    }

    fileprivate func imported(_ letter: [UInt8]) async throws -> Reply { try await service.send(`import`(letter)) }
}
