import AMQP
import Contracts
import FoundationEssentials
import Secrets
import Testing

@testable import DeadLetters
@testable import JSON
@testable import Messaging
@testable import ServiceKit

@Suite struct ReadingTests {
    @Test func `letters are listed newest first, page by page, filtered, and grouped by cause`() async throws {
        let letters = try await DeadLettersHarness()
        for index in 0..<5 {
            _ = try await letters.collect([
                .setAside(id: "m\(index)", cause: index < 3 ? "malformed-message" : "declined", queue: index == 4 ? "orders.commands" : "payments.commands")
            ])
            letters.service.clock.advance(by: 0.000_001)
        }
        let first = try await letters.list(["limit": "3"])
        #expect(first.items.map(\.messageId) == ["m4", "m3", "m2"])
        #expect(
            first.causes == [
                CauseCount(cause: "malformed-message", queue: "payments.commands", count: 3), CauseCount(cause: "declined", queue: "orders.commands", count: 1),
                CauseCount(cause: "declined", queue: "payments.commands", count: 1),
            ])
        let second = try await letters.list(["limit": "3", "cursor": #require(first.nextCursor)])
        #expect(second.items.map(\.messageId) == ["m1", "m0"])
        #expect(second.nextCursor == nil)
        #expect(second.causes == nil)
        #expect(try await letters.list(["cause": "declined", "queue": "payments.commands"]).items.map(\.messageId) == ["m3"])
        let replies = try await letters.service.ask([
            Request("deadletters.letters.list", parameters: ["state": "lost"]), Request("deadletters.letters.list", parameters: ["queue": "none"]),
        ])
        #expect(replies.map(\.status) == [422, 200])
        #expect(try replies[1].decoded(LettersView.self).items.isEmpty)
    }

    @Test func `letters of one moment are each on one page`() async throws {
        let letters = try await DeadLettersHarness()
        let names = Set((0..<5).map { "m\($0)" })
        _ = try await letters.collect(names.map { .setAside(id: $0) })
        var listed: [String?] = []
        var cursor: String?
        repeat {
            let page = try await letters.list(["limit": "2", "cursor": cursor].compactMapValues(\.self))
            listed += page.items.map(\.messageId)
            cursor = page.nextCursor
        } while cursor != nil
        #expect(listed.count == 5)
        #expect(Set(listed) == names)
    }

    @Test func `a letter is shown with its body, headers, history and audit log`() async throws {
        let letters = try await DeadLettersHarness()
        _ = try await letters.collect([
            .setAside(id: "text", body: Array("{\"ä\":1}".utf8), headers: ["p.id": "abc", "n": .integer(5)]), .setAside(id: "binary", body: [0xFF, 0x00]),
        ])
        let ids = try await letters.list().items.reduce(into: [:]) { $0[$1.messageId ?? ""] = $1.id }
        let requests =
            try ["text", "binary"].map {
                try Request("deadletters.letters.get", parameters: ["id": #require(ids[$0]).uuidString])
            } + [Request("deadletters.letters.get", parameters: ["id": UUID().uuidString])]
        let replies = try await letters.service.ask(requests)
        #expect(replies.map(\.status) == [200, 200, 404])
        let text: [String: JSONValue] = try replies[0].decoded()
        #expect(text["body"] == .string("{\"ä\":1}"))
        #expect(text["bodyEncoding"] == .string("text"))
        #expect(text["messageId"] == .string("text"))
        guard case .object(let headers)? = text["headers"], case .array(let history)? = text["history"], case .object(let attempt)? = history.first,
            case .array(let audit)? = text["audit"]
        else {
            Issue.record("parts are missing: \(text)")
            return
        }
        #expect(headers["p.id"] == .string("abc"))
        #expect(headers["n"] == .integer(5))
        #expect(attempt["worker"] == .string("worker-1"))
        #expect(attempt["cause"] == .string("malformed-message"))
        #expect(audit.count == 1)
        let binary: [String: JSONValue] = try replies[1].decoded()
        #expect(binary["body"] == .string(Base64.encode([0xFF, 0x00])))
        #expect(binary["bodyEncoding"] == .string("base64"))
        #expect(replies[0].headers["etag"] != replies[1].headers["etag"])
    }
}
