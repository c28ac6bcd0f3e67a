import AMQP
import Contracts
import FoundationEssentials
import PostgreSQL
import Secrets
import Seeds
import TestKit
import Testing

@testable import DeadLetters
@testable import JSON
@testable import Messaging
@testable import ServiceKit

/// Pages of searches compared with a naive search, with bounds so small that a few letters need all indexes and several slices.
@Suite struct SearchTests {
    private static let bounds = [
        SearchBounds(lookedThrough: 5, few: 2, growth: 2, slices: 20), SearchBounds(lookedThrough: 3, few: 0, growth: 4, slices: 3),
        SearchBounds(lookedThrough: 1, few: 30, growth: 1, slices: 2), .standard,
    ]
    /// They occur in all letters, many, few, one and none; for two of them, many letters have the words, but few have them in this order.
    private static let texts = ["order", "kilo", "KIL", "lima", "lima mike", "mike lima", "november", "oscar", "papa", "order kilo", "lost", "größe"]
    private static let queues = ["payments.commands", "orders.commands", "orders.events"]

    /// Letters that come in bursts, of which some die again and some are discarded.
    private func filled(_ random: inout SplitMix) async throws -> DeadLettersHarness {
        let letters = try await DeadLettersHarness()
        var earlier: [Delivery] = []
        for number in 0..<60 {
            var batch: [Delivery] = []
            for _ in 0..<Int.random(in: 1...5, using: &random) {
                if let again = earlier.randomElement(using: &random), Int.random(in: 0..<8, using: &random) == 0 {
                    batch.append(.setAside(id: again.properties.messageID, body: again.body, queue: again.routingKey, at: letters.service.clock.now()))
                    continue
                }
                var words = ["order", "größe"]
                if Bool.random(using: &random) { words.append("kilo") }
                if Int.random(in: 0..<6, using: &random) == 0 { words.append("lima") }
                if Int.random(in: 0..<4, using: &random) == 0 { words.append("mike") }
                // Only among the oldest.
                if number < 8 { words.append("november") }
                if number == 20, batch.isEmpty { words.append("oscar") }
                words.shuffle(using: &random)
                let cause = ["malformed-message", "declined"].randomElement(using: &random) ?? ""
                batch.append(
                    .setAside(
                        body: Array(words.joined(separator: " ").utf8), cause: cause, queue: Self.queues.randomElement(using: &random) ?? "",
                        headers: ["shop": .string(Bool.random(using: &random) ? "a" : "b")]))
            }
            earlier += batch
            _ = try await letters.collect(batch)
            // Some bursts have the same time.
            letters.service.clock.advance(by: [0, 0.001, 1, 1_000].randomElement(using: &random) ?? 0)
        }
        for letter in try await letters.list(["state": "all", "limit": "100"]).items where Int.random(in: 0..<5, using: &random) == 0 {
            _ = try await letters.send("deadletters.letters.discard", letter.id)
        }
        return letters
    }

    private func stored(_ letters: DeadLettersHarness) async throws -> [DeadLetter] {
        try await letters.service.database.withConnection { connection in
            let ids = try await connection.query("SELECT id FROM letters").map { try $0.decode("id", as: UUID.self) }
            return Array(try await DeadLetterStore.find(ids, on: connection).values)
        }
    }

    private func selected(_ letters: [DeadLetter], _ filter: DeadLetterFilter) -> [UUID] {
        letters.filter { letter in
            let summary = letter.summary
            let body = String(decoding: letter.body.bytes, as: UTF8.self).lowercased()
            return filter.state.map { $0 == summary.state } ?? true && filter.service.map { $0 == summary.service } ?? true
                && filter.queue.map { $0 == summary.queue } ?? true && filter.cause.map { $0 == summary.cause } ?? true
                && filter.group.map { $0 == summary.group } ?? true && filter.since.map { summary.lastSeenAt >= $0 } ?? true
                && filter.until.map { summary.lastSeenAt < $0 } ?? true && filter.text.map { body.contains($0.lowercased()) } ?? true
                && filter.header.map { letter.text(ofHeader: $0.name) == $0.value } ?? true
        }
        .map(\.summary)
        .sorted { ($0.lastSeenAt, $0.id.uuidString) > ($1.lastSeenAt, $1.id.uuidString) }
        .map(\.id)
    }

    /// All pages, one after the other.
    private func walked(_ filter: DeadLetterFilter, page: Int, _ bounds: SearchBounds, on connection: any SQLConnection) async throws -> [UUID] {
        var found: [UUID] = []
        var after: DeadLetterStore.Position?
        while true {
            let sql = DeadLetterStore.searching(filter, after: after, limit: page, bounds: bounds)
            let letters = try await connection.query(sql).map(DeadLetterStore.summary)
            found += letters.map(\.id)
            guard letters.count == page, let last = letters.last else { return found }
            after = DeadLetterStore.Position(lastSeenAt: last.lastSeenAt, id: last.id)
        }
    }

    @Test(arguments: [1, 2] as [UInt64])
    func `a search finds the same letters as a naive one, page by page, combined with every other part of the filter`(seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        let letters = try await filled(&random)
        let all = try await stored(letters)
        let times = all.map(\.summary.lastSeenAt).sorted()
        let (early, late) = (times[times.count / 4], times[times.count * 3 / 4])
        let others = [
            DeadLetterFilter(), DeadLetterFilter(state: nil), DeadLetterFilter(state: .discarded), DeadLetterFilter(service: "orders"), DeadLetterFilter(cause: "declined", state: nil),
            DeadLetterFilter(cause: "declined", queue: "orders.events"), DeadLetterFilter(group: all.first?.summary.group), DeadLetterFilter(since: early),
            DeadLetterFilter(state: nil, until: late), DeadLetterFilter(since: early, until: late),
        ]
        try await letters.service.database.withConnection { connection in
            for text in Self.texts {
                for var filter in others {
                    filter.text = text
                    if text == "kilo" { filter.header = .init(name: "shop", value: "a") }
                    let expected = selected(all, filter)
                    for (bounds, page) in zip(Self.bounds, [7, 4, 3, 5]) {
                        let found = try await walked(filter, page: page, bounds, on: connection)
                        #expect(found == expected, "\(filter), \(bounds)")
                    }
                }
            }
        }
        #expect(selected(all, DeadLetterFilter(text: "november")).count > 5 && selected(all, DeadLetterFilter(text: "mike lima")).count < selected(all, DeadLetterFilter(text: "lima")).count)
    }
}

extension DeadLetter {
    fileprivate func text(ofHeader name: String) -> String? {
        guard case .object(let members) = headers, case .string(let text)? = members[name] else { return nil }
        return text
    }
}
