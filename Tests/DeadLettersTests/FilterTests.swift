import AMQP
import FoundationEssentials
import PostgreSQL
import Secrets
import Testing

@testable import DeadLetters
@testable import Messaging
@testable import ServiceKit

@Suite struct FilterTests {
    private static let order = UUID.v5(namespace: .zero, name: "order")

    private func filled() async throws -> DeadLettersHarness {
        let letters = try await DeadLettersHarness()
        _ = try await letters.collect([
            .setAside(id: "charge", body: Array(#"{"orderID": "\#(Self.order)", "orderNumber": "W-000042", "to": "Ada@Example.com"}"#.utf8)),
            .setAside(
                id: "place", operation: "orders.checkouts.place", body: Array("größe \\ 'x' 100%".utf8), cause: "declined", queue: "orders.commands",
                headers: ["p.id": "it's \\ 5", "n": .integer(5)]),
            .setAside(id: "bytes", operation: "orders.checkouts.place", body: [0xFF, 0x00, 0x61, 0x62, 0x63, 0xFE], queue: "orders.events", headers: [:]),
        ])
        return letters
    }

    @Test(
        arguments: [
            (["service": "payments"], ["charge"]), (["service": "orders"], ["bytes", "place"]), (["service": "x"], []),
            (["operation": "orders.checkouts.place"], ["bytes", "place"]), (["cause": "declined"], ["place"]),
            (["queue": "orders.events"], ["bytes"]), (["queue": "orders.events", "service": "payments"], []),
            (["operation": "orders.checkouts.place", "cause": "malformed-message"], ["bytes"]),
            (["order": FilterTests.order.uuidString.lowercased()], ["charge"]), (["order": UUID().uuidString], []), (["group": UUID().uuidString], []),
            (["header": "p.id:abc"], ["charge"]), (["header": #"p.id:it's \ 5"#], ["place"]), (["header": "p.id:ab"], []), (["header": "cause:declined"], ["place"]),
            (["text": "w-000042"], ["charge"]), (["text": "ada@EXAM"], ["charge"]), (["text": "da@exam"], []), (["text": "ada@examp;"], []),
            (["text": #"größe \ 'x' 100%"#], ["place"]), (["text": "abc"], ["bytes"]), (["text": "orderid", "service": "orders"], []),
            (["since": "2020-01-01T00:00:00Z"], ["bytes", "charge", "place"]), (["until": "2020-01-01T00:00:00Z"], []),
            (["since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z", "text": "abc"], ["bytes"]),
        ] as [([String: String], [String])])
    func `a filter selects letters, in every state, and counts what it selects`(parameters: [String: String], ids: [String]) async throws {
        let letters = try await filled()
        for state in ["open", "all"] {
            let page = try await letters.list(parameters.merging(["state": state]) { $1 })
            #expect(page.items.compactMap(\.messageId).sorted() == ids, "\(state)")
            #expect(page.causes?.map(\.count).reduce(0, +) == ids.count, "\(state)")
        }
        for id in try await letters.list(["state": "all"]).items.map(\.id) { _ = try await letters.send("deadletters.letters.discard", id) }
        #expect(try await letters.list(parameters.merging(["state": "discarded"]) { $1 }).items.compactMap(\.messageId).sorted() == ids)
        #expect(try await letters.list(parameters).items.isEmpty)
        #expect(try await letters.list(parameters).causes == [])
    }

    @Test(arguments: [
        ["order": "W-1"], ["group": "5"], ["since": "yesterday"], ["header": "novalue"], ["header": ":abc"], ["header": "abc:"], ["text": "ab"], ["text": "---"],
        ["text": String(repeating: "a", count: 101)], ["service": ""], ["state": "lost"],
    ])
    func `a filter that cannot be read is refused`(parameters: [String: String]) async throws {
        let letters = try await DeadLettersHarness()
        let reply = try await letters.service.ask(Request("deadletters.letters.list", parameters: parameters, caller: letters.admin))
        #expect(reply.status == 422)
    }

    @Test func `a letter shows what it is about, and when it first failed`() async throws {
        let letters = try await filled()
        let letter = try #require(try await letters.list(["service": "payments"]).items.first)
        #expect(letter.orderId == Self.order.uuidString.lowercased() && letter.orderNumber == "W-000042" && letter.service == "payments")
        #expect(letter.firstFailedAt == Date(timeIntervalSince1970: 1_780_000_000) && !letter.edited)
        letters.service.clock.advance(by: 100)
        _ = try await letters.collect([
            .setAside(id: "charge", body: Array(#"{"orderID": "\#(Self.order)", "orderNumber": "W-000042", "to": "Ada@Example.com"}"#.utf8), at: Date(timeIntervalSince1970: 1_780_000_090))
        ])
        let again = try #require(try await letters.list(["service": "payments"]).items.first)
        #expect(again.seen == 2 && again.firstFailedAt == letter.firstFailedAt)
    }
}
